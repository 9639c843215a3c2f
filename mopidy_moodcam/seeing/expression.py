"""Face crops in, expression probabilities out: one interface, two runtimes.

The model file carries its own preprocessing and temperature, so a caller can
get neither scaling nor the order of labels wrong. torch or ONNX Runtime are
imported only when a model is loaded.
"""

from __future__ import annotations

import importlib.util
import json
import pathlib
import warnings
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np

from mopidy_moodcam import onnx, resources
from mopidy_moodcam.glossary import EXPRESSIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Crops = NDArray[np.uint8]
    Probabilities = NDArray[np.float32]

Runtime = Literal["auto", "torchscript", "onnx"]

FILES = {"torchscript": "expression.ts", "onnx": "expression.onnx"}
MODULES = {"torchscript": "torch", "onnx": "onnxruntime"}

TOLERANCE = 2e-3
"""How far another processor's rounding may move a probability of the self-test;
a wrong scale or order moves it by a hundred times that."""


class UnusableModel(Exception):  # noqa: N818  (the message is one for people)
    """The expression model cannot be used; the message says what mends it."""


class _Network(Protocol):
    labels: tuple[str, ...]
    input_size: int
    reference: Probabilities

    def run(self, crops: Crops) -> Probabilities: ...


class ExpressionModel:
    """The expression network, loaded and ready; made by `load`.

    `labels` are the seven expressions in the order of the columns,
    `input_size` the side in pixels that the network works at (a crop may have
    any size; one smaller than this holds less than the network can use),
    `runtime` which one runs it: `torchscript` or `onnx`.
    """

    def __init__(self, network: _Network, runtime: str) -> None:
        self._network = network
        self.labels = network.labels
        self.input_size = network.input_size
        self.runtime = runtime

    def __call__(self, crops: Sequence[Crops]) -> Probabilities:
        """Return float32 [N,7], rows of calibrated probabilities that sum to 1.

        `crops` are N grey faces, uint8 [H,W], upright and cut square at about
        1.1 times the detector's box; sizes may differ. None gives [0,7].
        Raises `ValueError` for anything else than uint8 [H,W].
        """
        for crop in crops:
            _check(crop)
        if not crops:
            return np.zeros((0, len(self.labels)), np.float32)
        if len({crop.shape for crop in crops}) == 1:
            return self._network.run(np.stack(crops))
        return np.concatenate([self._network.run(crop[None]) for crop in crops])

    def self_test(self) -> None:
        """Check order of labels and scaling with a drawn face.

        Raises `UnusableModel` where the answer is not the one the model was
        shipped with.
        """
        if self.labels != EXPRESSIONS:
            raise UnusableModel(
                f"The expression model names its outputs {', '.join(self.labels)}; "
                f"expected: {', '.join(EXPRESSIONS)}."
            )
        found = self([reference_face()])[0]
        if not np.allclose(found, self._network.reference, atol=TOLERANCE):
            raise UnusableModel(
                f"The expression model answers its test picture with {found.round(3)} "
                f"instead of {self._network.reference.round(3)}; "
                "try the other runtime (setting moodcam/runtime) or reinstall."
            )


def load(
    path: str | pathlib.Path | None = None, runtime: Runtime = "auto"
) -> ExpressionModel:
    """Load the network that came with the extension, or another one at `path`.

    `auto` takes what the file's suffix says or, without a path, ONNX Runtime
    where it is installed and TorchScript where not: it answered in 0.7 of the
    time, loaded in a fifteenth and held a third of the memory. Either runs in
    one thread (for torch this holds for the whole process). Raises
    `resources.MissingFile` or `UnusableModel`.
    """
    chosen = _choose(path, runtime)
    file = resources.model_path(FILES[chosen]) if path is None else pathlib.Path(path)
    if not file.is_file():
        raise resources.MissingFile(f"There is no expression model at {file}.")
    opener: Callable[[pathlib.Path], _Network] = (
        _TorchScript if chosen == "torchscript" else _Onnx
    )
    try:
        return ExpressionModel(opener(file), chosen)
    except UnusableModel:
        raise
    except Exception as error:  # runtimes raise whatever they like on a bad file
        raise UnusableModel(
            f"The expression model {file} cannot be read, it may be damaged "
            f"({type(error).__name__}); run: {resources.REINSTALL}"
        ) from error


def reference_face() -> Crops:
    """Return the self-test's picture, uint8 [60,60]: a faint smile, unevenly lit.

    It is neither of the network's size nor of full contrast, so that wrong
    resizing or scaling shows; and no clear smile, since an answer near 1 would
    hide it.
    """
    axis = np.linspace(-1, 1, 60)
    x, y = axis[None, :], axis[:, None]
    light = 0.45 + 0.1 * x
    face = np.where(x**2 / 0.6 + y**2 / 0.9 < 1, light + 0.2, light)
    eyes = (np.abs(x) - 0.33) ** 2 / 0.02 + (y + 0.2) ** 2 / 0.006 < 1
    brows = (np.abs(np.abs(x) - 0.33) < 0.2) & (np.abs(y + 0.45) < 0.04)
    lips = (np.abs(x) < 0.42) & (np.abs(y - 0.5 + 0.1 * (x**2 - 0.08)) < 0.08)
    picture = np.where(eyes | brows | lips, 0.2, face)
    return np.round(picture * 255).astype(np.uint8)


def _check(crop: Crops) -> None:
    if crop.dtype != np.uint8 or crop.ndim != 2 or not crop.size:
        raise ValueError(
            f"A face crop must be uint8 [H,W], not {crop.dtype} {list(crop.shape)}."
        )


def _choose(path: str | pathlib.Path | None, runtime: Runtime) -> str:
    if runtime == "auto":
        if path is not None:
            runtime = "onnx" if pathlib.Path(path).suffix == ".onnx" else "torchscript"
        else:
            runtime = "onnx" if _installed("onnx") else "torchscript"
    if runtime not in FILES:
        known = ", ".join(("auto", *FILES))
        raise UnusableModel(f"There is no runtime {runtime!r}; known: {known}.")
    if not _installed(runtime):
        module = MODULES[runtime]
        raise UnusableModel(
            f"{module} is not installed; run: {resources.install(module)}"
        )
    return runtime


def _installed(runtime: str) -> bool:
    return importlib.util.find_spec(MODULES[runtime]) is not None


class _TorchScript:
    def __init__(self, file: pathlib.Path) -> None:
        import torch  # noqa: PLC0415  (seconds to import, and only one of two)

        torch.set_num_threads(1)
        self._torch = torch
        with warnings.catch_warnings():
            # TorchScript is this project's format; torch 2.9+ advises another.
            warnings.filterwarnings(
                "ignore", r"`?torch\.jit\.\w+`? is (deprecated|not supported)"
            )
            module = torch.jit.load(str(file), map_location="cpu")
            self.labels = tuple(module.labels)
            self.input_size = int(module.input_size)
            self.reference = np.asarray(module.reference, np.float32)
            # Only now: what is saved after this cannot be loaded any more.
            self._module = torch.jit.optimize_for_inference(module)

    def run(self, crops: Crops) -> Probabilities:
        with self._torch.inference_mode():
            return self._module(self._torch.from_numpy(crops)).numpy()


class _Onnx:
    def __init__(self, file: pathlib.Path) -> None:
        self._session = onnx.session(file.read_bytes())
        about = self._session.get_modelmeta().custom_metadata_map
        self.labels = tuple(json.loads(about["labels"]))
        self.input_size = int(about["input_size"])
        self.reference = np.asarray(json.loads(about["reference"]), np.float32)

    def run(self, crops: Crops) -> Probabilities:
        return np.asarray(self._session.run(None, {"crops": crops})[0])
