"""Turn a checkpoint into what ships: models/expression.ts and models/expression.onnx.

    python training/export_expression.py training/runs/main/best.pt
    python training/export_expression.py best.pt --uncalibrated --models training/runs

Resizing, contrast and flip averaging go into the file, and a temperature fitted on
PublicTest, whose rows select and calibrate (the network sees nothing of PrivateTest;
the mood's filter is fitted there). Both files are loaded again and compared before the
script ends well.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import sys
import warnings

import numpy as np
import onnx
import torch
import torch.nn.functional as F  # noqa: N812 - its name everywhere
from torch import Tensor, nn

sys.path.insert(1, str(pathlib.Path(__file__).parents[1]))

import expression_cnn as training

from mopidy_moodcam.seeing import expression as shipped

SIZE = 48  # pixels; what the network was trained on
ATTRIBUTES = ("labels", "input_size", "reference")  # of both files
TORCHSCRIPT_ADVICE = r"`?torch\.jit\.\w+`? is (deprecated|not supported)"


def resize_weights(inputs: Tensor, outputs: int) -> Tensor:
    """Triangle filter [outputs, inputs]: bilinear, widened when shrinking (antialias).

    Written out, since runtimes differ in how they resize; two of these and two matrix
    products are the same everywhere. At equal sizes it is the identity.
    """
    scale = inputs.float() / outputs
    centre = (torch.arange(outputs) + 0.5).unsqueeze(1) * scale
    at = (torch.arange(inputs) + 0.5).unsqueeze(0)
    weights = (1 - (at - centre).abs() / scale.clamp(min=1)).clamp(min=0)
    return weights / weights.sum(1, keepdim=True)


class Shipped(nn.Module):
    """uint8 [N,H,W] grey face crops of any size -> float32 [N,7] probabilities."""

    def __init__(self, net: nn.Module, temperature: float) -> None:
        super().__init__()
        self.net = net
        self.temperature = temperature
        self.labels = list(training.LABELS)
        self.input_size = SIZE
        self.reference = [0.0] * len(training.LABELS)

    def forward(self, crops: Tensor) -> Tensor:
        """Resize, look at the crop and at its mirror image, and calibrate."""
        x = crops.float() / 255
        shape = torch._shape_as_tensor(x)  # noqa: SLF001 - sizes stay variables in ONNX
        down = resize_weights(shape[1], self.input_size)
        across = resize_weights(shape[2], self.input_size)
        x = (down @ x @ across.transpose(0, 1)).unsqueeze(1)
        logits = self.net(x) + self.net(x.flip(3))
        return F.softmax(logits / (2 * self.temperature), dim=1)


@torch.inference_mode()
def public_logits(net: nn.Module, data: str) -> tuple[Tensor, Tensor]:
    """Flip-averaged logits and targets of PublicTest."""
    faces = training.read_faces(data, "ferplus", 0).part(training.PUBLIC_TEST)
    x = torch.from_numpy(faces.images).unsqueeze(1).float() / 255
    logits = torch.cat([(net(part) + net(part.flip(3))) / 2 for part in x.split(512)])
    return logits, torch.from_numpy(faces.targets)


def fit_temperature(logits: Tensor, targets: Tensor) -> float:
    """Find the temperature of least loss (Guo et al. 2017) on rows of clear votes."""
    clear = targets.max(1).values > 0.5
    logits, truth = logits[clear], targets[clear].argmax(1)
    grid = torch.linspace(0.3, 3, 541)
    losses = torch.stack([F.cross_entropy(logits / t, truth) for t in grid])
    return round(float(grid[losses.argmin()]), 3)


def write(module: Shipped, folder: pathlib.Path) -> None:
    """Write both files.

    The TorchScript one is frozen, but not optimised: once `optimize_for_inference`
    has run, a saved module cannot be loaded any more.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        # TorchScript is the format that ships; torch 2.9+ advises another.
        warnings.filterwarnings("ignore", TORCHSCRIPT_ADVICE)
        warnings.filterwarnings("ignore", "You are using the legacy TorchScript-based")
        scripted = torch.jit.script(module.eval())
        frozen = torch.jit.freeze(scripted, preserved_attrs=list(ATTRIBUTES))
        torch.jit.save(frozen, str(folder / shipped.FILES["torchscript"]))
        write_onnx(module, folder / shipped.FILES["onnx"])


def write_onnx(module: Shipped, path: pathlib.Path) -> None:
    """Write the same for ONNX Runtime, attributes as metadata in JSON."""
    torch.onnx.export(
        module,
        (torch.zeros(2, 60, 70, dtype=torch.uint8),),
        str(path),
        dynamo=False,
        opset_version=17,
        input_names=["crops"],
        output_names=["probabilities"],
        dynamic_axes={"crops": {0: "n", 1: "h", 2: "w"}, "probabilities": {0: "n"}},
    )
    model = onnx.load(path)
    for key in ATTRIBUTES:
        entry = model.metadata_props.add()
        entry.key, entry.value = key, json.dumps(getattr(module, key))
    onnx.checker.check_model(model)
    onnx.save(model, path)


def check(folder: pathlib.Path) -> None:
    """Load both as the extension does, and compare them over several sizes."""
    models = [shipped.load(folder / name) for name in shipped.FILES.values()]
    rng = np.random.default_rng(0)
    for h, w in ((20, 20), (48, 48), (61, 47), (128, 128), (311, 300)):
        crops = list(rng.integers(0, 256, (3, h, w), dtype=np.uint8))
        first, second = (model(crops) for model in models)
        np.testing.assert_allclose(first, second, atol=1e-4)
    for model in models:
        model.self_test()


def parse() -> argparse.Namespace:
    """Read the command line."""
    shape = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=shape)
    parser.add_argument("checkpoint", type=pathlib.Path)
    parser.add_argument("--data", default=training.Settings.data)
    parser.add_argument("--models", type=pathlib.Path, default=pathlib.Path("models"))
    parser.add_argument("--uncalibrated", action="store_true", help="temperature 1")
    return parser.parse_args()


def main() -> None:
    """Calibrate, write, compare."""
    given = parse()
    torch.set_num_threads(1)
    net = training.load_net(given.checkpoint)
    temperature = 1.0
    if not given.uncalibrated:
        temperature = fit_temperature(*public_logits(net, given.data))
    module = Shipped(net, temperature)
    with torch.inference_mode():
        picture = torch.from_numpy(shipped.reference_face())[None]
        module.reference = [round(float(p), 5) for p in module(picture)[0]]
    write(module, given.models)
    check(given.models)
    print(f"temperature {temperature}, self-test {module.reference}")


if __name__ == "__main__":
    main()
