"""Train the expression network: 48x48 grey face -> seven expression probabilities.

    python training/expression_cnn.py                    # a run alone, resumable
    python training/expression_cnn.py --quick            # generated faces, no data
    python training/expression_cnn.py --labels fer2013 --out training/runs/fer2013
    python training/expression_cnn.py --prepare training/data/faces.npz  # to travel
    python training/expression_cnn.py --teacher A/best.pt B/best.pt --epochs 300
    python training/expression_cnn.py --start A/best.pt --keep A.pt  # to keep it small

Every field of `Settings` is an option (`--epochs 300 --channels 64 128 256`). The run
writes `last.pt` after an epoch, every `save` seconds at most, and goes on from it when
started again with the same `--out`, where another run is refused; `best.pt` holds the
averaged weights that read PublicTest best (`choose`). Data and augmentation live on the
training device.
`expression_full.sh` makes what ships, `export_expression.py` the files of a checkpoint.
"""

from __future__ import annotations

import argparse
import copy
import dataclasses
import functools
import json
import math
import time
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - its name everywhere
from face_identity import IdentityNet
from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Net = TypeVar("Net", bound=nn.Module)
LABELS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
VOTE_COLUMNS = (4, 5, 6, 1, 3, 2, 0)  # where FER+ keeps them, in the order of LABELS
NAMED = ("disgust", "fear", "happy")
"""Expressions that FER+ sees less often than others do: posed ones, and slight smiles
with a closed mouth."""
CONTEMPT, UNKNOWN = 7, 8  # FER+ columns; from UNKNOWN on they are no expression
TRAINING, PUBLIC_TEST, PRIVATE_TEST = 0, 1, 2


@dataclass(frozen=True)
class Settings:
    """One run, from data to weights."""

    data: str = "../shared/data/faces/fer2013.npz"  # as shared, or what --prepare wrote
    out: str = "training/runs/main"  # checkpoints and log.jsonl
    labels: str = "ferplus"  # or fer2013
    copies: bool = False  # leave copies of test rows in, as the literature does
    quick: bool = False  # a tiny run on generated faces
    prepare: str = ""  # write the prepared data here and stop
    keep: str = ""  # write `start` here, at 8 bits a weight, and stop
    start: str = ""  # checkpoint to begin with, for a second, calmer round
    identity: str = ""  # begin with dlib's network: the file face_identity.py fetches
    teacher: tuple[str, ...] = ()  # checkpoints to learn from, beside the labels
    device: str = ""  # empty: a GPU where there is one
    threads: int = 2  # of the CPU
    save: float = 30.0  # seconds between savings, or an epoch where that is longer
    choose: str = "loss"  # or accuracy, recall: what of PublicTest picks best.pt
    seed: int = 1

    channels: tuple[int, ...] = (32, 64, 128, 224)  # at 24, 12, 6 and 3 pixels
    blocks: tuple[int, ...] = (2, 2, 2, 1)  # residual blocks of each stage
    dropout: float = 0.2  # before the last layer
    side: int = 112  # pixels of the picture that an `identity` network sees
    zero_start: bool = False  # blocks begin as their shortcuts; costs the first epochs

    epochs: int = 60
    batch: int = 128
    lr: float = 0.1  # SGD at batch 128; scaled with the batch
    warmup: float = 2.0  # epochs of rising learning rate
    momentum: float = 0.9
    weight_decay: float = 5e-4  # of convolutions and the last layer, not of norms
    ema: float = 0.998  # weight averaging per step, at batch 128
    balance: float = 0.35  # rows are drawn with (class size) ** -balance
    named_share: float = 0.25  # of FER2013's own label in NAMED, where a tagger agrees
    distil: float = 0.7  # share of the teachers in the target
    beside: float = 0.3  # weight of the other labels, which train a head of their own
    own: float = 0.5  # share of the network's own answers in the target, at the end
    ask: int = 6  # epochs between asking the averaged network for them

    rotate: float = 15.0  # degrees; the affine part covers the detector's jitter
    zoom: tuple[float, float] = (0.8, 1.3)  # over 1: tighter than FER2013's framing
    stretch: float = 0.1  # of one side against the other
    shift: float = 0.1  # of the picture's side
    gamma: float = 0.5  # exponent e ** ±gamma
    shade: float = 0.35  # light from one side: slope from edge to edge
    soften: float = 0.35  # share of pictures that lose detail
    sharpen: float = 0.25  # share of pictures
    jpeg: float = 0.25  # share of pictures coarsened by 8x8 cosine transform
    noise: float = 0.05  # largest standard deviation, of the full range
    erase: float = 0.3  # share of pictures with one patch gone
    mixup: float = 0.25  # share of batches; beta(0.3, 0.3)
    calm: float = 0.8  # last share of the epochs, with calmer pictures


CALMED = ("rotate", "shift", "soften", "noise", "erase", "mixup")
CALM = 0.4
"""What is left of these settings in calm epochs. They took PublicTest's loss from 0.570
to 0.559 in seven epochs (199 to 205 in expression_log.jsonl)."""


def calmed(s: Settings, epoch: int) -> Settings:
    """Return the settings of an epoch, counted from 0."""
    if epoch < (1 - s.calm) * s.epochs:
        return s
    return dataclasses.replace(s, **{name: CALM * getattr(s, name) for name in CALMED})


# --- data ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Faces:
    """Rows of FER2013.

    images uint8 [N,48,48]; targets float32 [N,7] summing to 1; beside float32 [N,7],
    what the other set of labels says (zeros where it says nothing); usage uint8 [N].
    """

    images: np.ndarray
    targets: np.ndarray
    beside: np.ndarray
    usage: np.ndarray

    def part(self, usage: int) -> Faces:
        """Return the rows of TRAINING, PUBLIC_TEST or PRIVATE_TEST."""
        rows = self.usage == usage
        return self.where(rows)

    def where(self, rows: np.ndarray) -> Faces:
        """Return some rows, by a mask bool [N]."""
        return Faces(*(getattr(self, f.name)[rows] for f in dataclasses.fields(self)))


def vote_targets(votes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Soft labels [N,7] of FER+ votes [N,10], and which rows show an expression.

    Single votes go (the FER+ paper's rule), rows with a majority for contempt, unknown
    or not-a-face too; what is left of contempt's votes is dropped.
    """
    kept = np.where(votes < 2, 0, votes).astype(np.float32)
    seven = kept[:, VOTE_COLUMNS]
    usable = (kept.argmax(1) < CONTEMPT) & (seven.sum(1) > 0)
    return seven / np.maximum(seven.sum(1, keepdims=True), 1), usable


def clear_majority(votes: np.ndarray) -> np.ndarray:
    """Rows that the FER+ paper's majority rule keeps: 3137 of PrivateTest for seven."""
    kept = np.where(votes < 2, 0, votes)
    return (kept.max(1) > 0.5 * kept.sum(1)) & (kept.argmax(1) < CONTEMPT)


def _with_named(
    targets: np.ndarray, votes: np.ndarray, label: np.ndarray, share: float
) -> np.ndarray:
    """Mix in FER2013's own label where at least one FER+ tagger agrees."""
    targets = targets.copy()
    for index in map(LABELS.index, NAMED):
        rows = (label == index) & (votes[:, VOTE_COLUMNS[index]] > 0)
        targets[rows] *= 1 - share
        targets[rows, index] += share
    return targets


def copies_of_tests(first_same: np.ndarray, usage: np.ndarray) -> np.ndarray:
    """Training rows whose very pixels are also in one of the tests."""
    tested = np.unique(first_same[usage != TRAINING])
    return (usage == TRAINING) & np.isin(first_same, tested)


def read_faces(
    path: str | Path, labels: str, named_share: float, *, copies: bool = False
) -> Faces:
    """Read the shared file or one that `--prepare` wrote."""
    with np.load(path) as file:
        images = np.cumsum(file["image_deltas"], axis=2, dtype=np.uint8)
        label, usage, votes = (file[name] for name in ("label", "usage", "votes"))
        copy = _copies(file)
    keep = (copies | ~copy) & (images.std((1, 2)) > 0)
    hard = np.eye(7, dtype=np.float32)[label]
    voted, usable = vote_targets(votes)
    if labels == "fer2013":
        voted[~usable] = 0
        return Faces(images, hard, voted, usage).where(keep)
    mixed = _with_named(voted, votes, label, named_share)
    targets = np.where((usage == TRAINING)[:, None], mixed, voted)
    return Faces(images, targets, hard, usage).where(keep & usable)


def prepare(source: str | Path, path: str | Path) -> None:
    """Write what training needs and no more, to travel: PrivateTest stays at home."""
    with np.load(source) as file:
        rows = file["usage"] != PRIVATE_TEST
        kept = ("image_deltas", "label", "usage", "votes")
        arrays = {name: file[name][rows] for name in kept}
        arrays["copy"] = _copies(file)[rows]
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    # as np.savez, but a tenth smaller than its deflate
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as file:
        for name, array in arrays.items():
            with file.open(f"{name}.npy", "w", force_zip64=True) as part:
                np.lib.format.write_array(part, array)


def fingerprint(faces: Faces) -> int:
    """Return a number that tells these rows to learn from others, wherever they lie."""
    rows = faces.part(TRAINING)
    return zlib.crc32(rows.targets.tobytes(), zlib.crc32(rows.images.tobytes()))


def _copies(file: Mapping[str, np.ndarray]) -> np.ndarray:
    if "copy" in file:
        return file["copy"]
    return copies_of_tests(file["first_same"], file["usage"])


def generated_faces(count: int, seed: int = 0) -> Faces:
    """Draw faces of nobody, for tests and quick runs: brows, eyes, mouth by class."""
    # mouth curve, mouth opening, brow slope, brow height, eye opening
    shapes = np.array(
        [
            [-0.3, 0.0, 0.5, -0.10, 0.6],
            [-0.2, 0.3, 0.3, -0.10, 0.2],
            [-0.4, 0.5, -0.5, 0.10, 1.2],
            [0.9, 0.3, 0.0, 0.05, 0.6],
            [-0.8, 0.0, -0.5, 0.00, 0.5],
            [0.0, 1.0, 0.0, 0.20, 1.3],
            [0.0, 0.0, 0.0, 0.00, 0.7],
        ]
    )
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 7, count)
    mouth, opening, slope, height, eye = (
        shapes[label] + rng.normal(0, 0.06, (count, 5))
    ).T[:, :, None, None]
    axis = np.linspace(-1, 1, 48)
    x, y = axis[None, None, :], axis[None, :, None]
    skin = np.where(x**2 / 0.75 + y**2 < 0.95, 0.75, 0.35) * np.ones((count, 1, 1))
    side = np.abs(x) - 0.35
    gap = 0.06 + 0.15 * np.clip(opening, 0, 2)
    lips = (np.abs(x) < 0.4) & (np.abs(y - 0.5 + mouth * (x**2 - 0.08)) < gap)
    eyes = side**2 / 0.03 + (y + 0.2) ** 2 / (0.002 + 0.02 * np.clip(eye, 0.1, 2)) < 1
    brows = (np.abs(side) < 0.2) & (np.abs(y + 0.5 + height + slope * side) < 0.05)
    picture = np.where(lips | eyes | brows, 0.15, skin)
    picture = picture + rng.normal(0, 0.04, picture.shape)
    usage = np.resize([TRAINING] * 8 + [PUBLIC_TEST, PRIVATE_TEST], count)
    images = (picture.clip(0, 1) * 255).astype(np.uint8)
    targets = np.eye(7, dtype=np.float32)[label]
    return Faces(images, targets, targets, usage.astype(np.uint8))


# --- augmentation: float [N,1,48,48] in 0..1, on the training device -----------------


def uniform(like: Tensor, low: float, high: float) -> Tensor:
    """Draw one number for every picture of `like`."""
    return torch.empty(like.shape[0], device=like.device).uniform_(low, high)


def chosen(like: Tensor, share: float) -> Tensor:
    """Draw the pictures, a `share` of them, that something happens to."""
    return (uniform(like, 0, 1) < share).view(-1, 1, 1, 1)


def move(x: Tensor, s: Settings) -> Tensor:
    """Flip, turn, zoom, stretch and shift, in one resampling."""
    angle = uniform(x, -s.rotate, s.rotate) * (math.pi / 180)
    size = torch.exp(uniform(x, math.log(s.zoom[0]), math.log(s.zoom[1])))
    ratio = torch.exp(uniform(x, -s.stretch, s.stretch))
    flip = torch.sign(uniform(x, -1, 1))
    cos, sin = torch.cos(angle) / size, torch.sin(angle) / size
    dx = uniform(x, -2 * s.shift, 2 * s.shift)
    dy = uniform(x, -2 * s.shift, 2 * s.shift)
    first = torch.stack([cos * flip * ratio, -sin * ratio, dx], 1)
    second = torch.stack([sin * flip / ratio, cos / ratio, dy], 1)
    matrix = torch.stack([first, second], 1)
    grid = F.affine_grid(matrix, list(x.shape), align_corners=False)
    return F.grid_sample(x, grid, padding_mode="border", align_corners=False)


def relight(x: Tensor, s: Settings) -> Tensor:
    """Gamma, and light that falls off towards one side."""
    exponent = torch.exp(uniform(x, -s.gamma, s.gamma)).view(-1, 1, 1, 1)
    axis = torch.linspace(-0.5, 0.5, x.shape[-1], device=x.device)
    across = uniform(x, -s.shade, s.shade).view(-1, 1, 1, 1) * axis.view(1, 1, 1, -1)
    down = uniform(x, -s.shade, s.shade).view(-1, 1, 1, 1) * axis.view(1, 1, -1, 1)
    return (x.clamp(1e-3, 1) ** exponent) * (1 + across + down)


SMALL = range(16, 40)
"""Sides in pixels that a picture is shrunk to before it is enlarged again."""


@functools.cache
def there_and_back(device: torch.device) -> Tensor:
    """Resampling matrices [len(SMALL),48,48]: down to each side, and up to 48 again."""
    one, full = torch.eye(48)[None, None], (48, 48)
    down = [
        F.interpolate(one, size=(side, 48), mode="bilinear", antialias=True)
        for side in SMALL
    ]
    up = [F.interpolate(small, size=full, mode="bicubic") for small in down]
    return torch.cat(up)[:, 0].to(device)


def soften(x: Tensor, s: Settings) -> Tensor:
    """Lose detail as a distant face does: down to a smaller size and up again."""
    table = there_and_back(x.device)
    matrix = table[uniform(x, 0, len(table)).long().clamp(max=len(table) - 1)]
    matrix = matrix.unsqueeze(1)
    return torch.where(chosen(x, s.soften), matrix @ x @ matrix.transpose(2, 3), x)


def sharpen(x: Tensor, s: Settings) -> Tensor:
    """Overdo edges as cameras do."""
    amount = uniform(x, 0.2, 1.2).view(-1, 1, 1, 1) * chosen(x, s.sharpen)
    return x + amount * (x - F.avg_pool2d(x, 3, 1, 1, count_include_pad=False))


def cosine_matrix(device: torch.device) -> Tensor:
    """Return the orthonormal 8x8 cosine transform that JPEG uses."""
    k = torch.arange(8, device=device).float()
    matrix = torch.cos((2 * k[None, :] + 1) * k[:, None] * math.pi / 16) / 2
    matrix[0] /= math.sqrt(2)
    return matrix


def coarsen(x: Tensor, s: Settings) -> Tensor:
    """JPEG's loss: 8x8 cosine coefficients rounded, higher ones more coarsely."""
    cosine = cosine_matrix(x.device)
    k = torch.arange(8, device=x.device).float()
    table = (8 + 6 * (k[:, None] + k[None, :])) / 255
    step = uniform(x, 0.3, 2.0).view(-1, 1, 1, 1, 1) * table
    n, _, h, w = x.shape
    tiles = x.view(n, h // 8, 8, w // 8, 8).transpose(2, 3)
    coefficients = cosine @ tiles @ cosine.T
    coarse = cosine.T @ (torch.round(coefficients / step) * step) @ cosine
    return torch.where(chosen(x, s.jpeg), coarse.transpose(2, 3).reshape(x.shape), x)


def erase(x: Tensor, s: Settings) -> Tensor:
    """Cover one patch with an even grey: a hand, a cup, a scarf."""
    at = torch.arange(x.shape[-1], device=x.device).view(1, -1) / x.shape[-1]
    top, left = uniform(x, 0, 1).view(-1, 1), uniform(x, 0, 1).view(-1, 1)
    rows = (at - top).abs() < uniform(x, 0.05, 0.2).view(-1, 1)
    columns = (at - left).abs() < uniform(x, 0.05, 0.2).view(-1, 1)
    patch = (rows[:, None, :, None] & columns[:, None, None, :]) & chosen(x, s.erase)
    return torch.where(patch, uniform(x, 0, 1).view(-1, 1, 1, 1), x)


@torch.no_grad()
def augment(images: Tensor, s: Settings) -> Tensor:
    """uint8 [N,48,48] -> float [N,1,48,48] in 0..1, every one changed differently."""
    x = images.unsqueeze(1).float() / 255
    x = coarsen(sharpen(soften(relight(move(x, s), s), s), s), s)
    x = x + torch.randn_like(x) * uniform(x, 0, s.noise).view(-1, 1, 1, 1)
    return erase(x, s).clamp(0, 1)


# --- network ------------------------------------------------------------------------


def even_contrast(x: Tensor) -> Tensor:
    """[N,1,H,W] in 0..1 to mean 0 and deviation 1; noise of flat ones stays small."""
    mean = x.mean(dim=(2, 3), keepdim=True)
    deviation = (x - mean).square().mean(dim=(2, 3), keepdim=True).sqrt()
    return (x - mean) / deviation.clamp(min=0.04)


class Block(nn.Module):
    """Two 3x3 convolutions, squeeze-and-excitation (Hu et al. 2018), a shortcut."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)
        self.squeeze = nn.Linear(outputs, outputs // 8)
        self.excite = nn.Linear(outputs // 8, outputs)
        self.pool = nn.AvgPool2d(2) if stride == 2 else nn.Identity()
        self.match: nn.Module = nn.Identity()
        if inputs != outputs:
            self.match = nn.Conv2d(inputs, outputs, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """[N,inputs,H,W] -> [N,outputs,H/stride,W/stride]."""
        out = F.relu(self.norm1(self.conv1(x)), inplace=True)
        out = self.norm2(self.conv2(out))
        gate = F.relu(self.squeeze(out.mean(dim=(2, 3))))
        gate = torch.sigmoid(self.excite(gate)).unsqueeze(-1).unsqueeze(-1)
        return F.relu(out * gate + self.match(self.pool(x)))


class ExpressionNet(nn.Module):
    """[N,1,48,48] in 0..1 -> logits [N,7]."""

    def __init__(
        self, channels: Sequence[int], blocks: Sequence[int], dropout: float
    ) -> None:
        super().__init__()
        # Half the size at once: at 48 pixels the CPU would wait for memory for a
        # quarter of the time, for a tenth of the multiplications.
        self.stem = nn.Conv2d(1, channels[0], 5, 2, 2, bias=False)
        self.norm = nn.BatchNorm2d(channels[0])
        layers, inputs = [], channels[0]
        for stage, (outputs, depth) in enumerate(zip(channels, blocks, strict=True)):
            for index in range(depth):
                stride = 2 if stage and not index else 1
                layers.append(Block(inputs, outputs, stride))
                inputs = outputs
        self.stages = nn.Sequential(*layers)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(inputs, len(LABELS))

    def features(self, x: Tensor) -> Tensor:
        """Grey [N,1,H,W] in 0..1 -> what the heads read, [N,C]."""
        x = F.relu(self.norm(self.stem(even_contrast(x))))
        return self.dropout(self.stages(x).mean(dim=(2, 3)))

    def forward(self, x: Tensor) -> Tensor:
        """Grey [N,1,H,W] in 0..1 -> logits [N,7]."""
        return self.head(self.features(x))


class Learner(nn.Module):
    """The network and, while it learns, a head for the other set of labels."""

    def __init__(self, net: ExpressionNet | IdentityNet) -> None:
        super().__init__()
        self.net = net
        self.beside = nn.Linear(net.head.in_features, len(LABELS))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Grey [N,1,H,W] in 0..1 -> logits [N,7] for either set of labels."""
        features = self.net.features(x)
        return self.net.head(features), self.beside(features)


SHAPE = ("channels", "blocks", "dropout", "side", "identity")
"""Settings that say which network a checkpoint's weights belong to."""
OF_A_RUN = (*SHAPE, "labels", "copies", "start", "teacher", "seed", "data")
"""Settings that a run keeps when it goes on; others, such as its epochs, may change."""


def continued(s: Settings) -> Settings:
    """Take over the network of the checkpoint that a run starts with, if it does."""
    if not s.start:
        return s
    saved = torch.load(s.start, map_location="cpu", weights_only=True)["settings"]
    shape = {name: saved[name] for name in SHAPE if name in saved}
    return dataclasses.replace(s, **shape)


def new_learner(settings: dict[str, Any]) -> Learner:
    """Return an untrained network, as the settings of a checkpoint have it."""
    if settings.get("identity"):
        sizes = settings["side"], settings["dropout"], len(LABELS)
        return Learner(IdentityNet(*sizes))
    names = ("channels", "blocks", "dropout")
    return Learner(ExpressionNet(*(settings[name] for name in names)))


def load_learner(path: str | Path, labels: str = "") -> Learner:
    """Return a checkpoint's averaged network; for other labels its heads change."""
    saved = torch.load(path, map_location="cpu", weights_only=True)
    learner = new_learner(saved["settings"])
    learner.load_state_dict(unpacked(saved["average"]))
    if labels not in ("", saved["settings"]["labels"]):
        learner.net.head, learner.beside = learner.beside, learner.net.head
    return learner


def packed(weights: Mapping[str, Any]) -> dict[str, Any]:
    """Pack float weights [O,...] as steps int8 [O,...] and a step's size each [O].

    Those that are packed already stay as they are.
    """
    kept = dict(weights)
    for name, weight in weights.items():
        if isinstance(weight, dict):
            continue
        if weight.ndim > 1:
            rows = weight.float().flatten(1)
            size = rows.abs().amax(1).clamp(min=1e-8) / 127
            steps = torch.round(rows / size[:, None]).to(torch.int8)
            kept[name] = {"steps": steps.view(weight.shape), "size": size}
        elif weight.is_floating_point():
            kept[name] = weight.half()
    return kept


def unpacked(kept: Mapping[str, Any]) -> dict[str, Tensor]:
    """Return the weights that `packed` kept; others as they are."""
    weights = dict(kept)
    for name, value in kept.items():
        if isinstance(value, dict):
            steps, size = value["steps"], value["size"]
            weights[name] = steps * size.view(-1, *[1] * (steps.ndim - 1))
    return weights


def keep(source: str | Path, path: str | Path) -> None:
    """Write a checkpoint's averaged network at a fourth of its size, without paths."""
    saved = torch.load(source, map_location="cpu", weights_only=True)
    nowhere = {"data": "", "out": "", "start": "", "teacher": ()}
    settings = saved["settings"] | nowhere
    if settings.get("identity"):
        settings["identity"] = "dlib"
    torch.save({"settings": settings, "average": packed(saved["average"])}, path)


def load_net(path: str | Path) -> ExpressionNet | IdentityNet:
    """Return the averaged network of a checkpoint, ready to read faces."""
    return load_learner(path).net.eval()


# --- training -----------------------------------------------------------------------


def learning_rate(step: int, steps: int, warmup: int, s: Settings) -> float:
    """Linear rise, then a cosine to nothing at the last step."""
    peak = s.lr * s.batch / 128
    if step < warmup:
        return peak * (step + 1) / warmup
    done = (step - warmup) / max(1, steps - warmup)
    return peak * 0.5 * (1 + math.cos(math.pi * done))


def make_optimiser(net: nn.Module, rate: Tensor, s: Settings) -> torch.optim.Optimizer:
    """SGD with Nesterov momentum; norms and biases are not decayed."""
    groups = [
        {"params": [p for p in net.parameters() if p.ndim > 1]},
        {"params": [p for p in net.parameters() if p.ndim <= 1], "weight_decay": 0.0},
    ]
    options = {"momentum": s.momentum, "weight_decay": s.weight_decay}
    return torch.optim.SGD(groups, lr=rate, nesterov=True, fused=True, **options)


def soft_cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """Mean over rows of the cross entropy with soft targets."""
    return -(targets * F.log_softmax(logits.float(), 1)).sum(1).mean()


@torch.inference_mode()
def read(net: nn.Module, images: Tensor) -> Tensor:
    """uint8 [N,48,48] -> logits float32 [N,7], of each face and its mirror image."""
    logits = []
    for part in images.split(512):
        x = part.unsqueeze(1).float() / 255
        x = x.contiguous(memory_format=torch.channels_last)
        with torch.autocast(images.device.type, torch.bfloat16):
            logits.append((net(x).float() + net(x.flip(3)).float()) / 2)
    return torch.cat(logits)


def evaluate(net: nn.Module, images: Tensor, targets: Tensor) -> dict[str, float]:
    """Accuracy and macro recall of the majority, and loss."""
    out = read(net, images)
    truth, guess = targets.argmax(1), out.argmax(1)
    recalls = [(guess[truth == c] == c).float().mean() for c in truth.unique()]
    return {
        "accuracy": round(float((guess == truth).float().mean()), 4),
        "recall": round(float(torch.stack(recalls).mean()), 4),
        "loss": round(float(soft_cross_entropy(out, targets)), 4),
    }


class Recorded:
    """A step that a GPU records once and then plays back (a CUDA graph).

    Launching its thousand small kernels one by one takes longer than they run. So the
    step must leave every tensor that it reads or writes in its place, and ask the CPU
    for nothing. The first calls run as they are: they choose the convolutions'
    algorithms and allocate what stays.
    """

    AS_IT_IS = 4  # calls

    def __init__(self, step: Callable[[Tensor], None]) -> None:
        self.step = step
        self.calls = 0
        self.graph = torch.cuda.CUDAGraph()

    def __call__(self, rows: Tensor) -> None:
        """Do the step for `rows` int64 [batch]."""
        self.calls += 1
        if self.calls <= self.AS_IT_IS:
            self._aside(rows)
            return
        if self.calls == self.AS_IT_IS + 1:
            self.rows = rows.clone()
            with torch.cuda.graph(self.graph):
                self.step(self.rows)
        self.rows.copy_(rows)
        self.graph.replay()

    def _aside(self, rows: Tensor) -> None:
        # what is to be recorded must have run in a stream of its own before
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            self.step(rows)
        torch.cuda.current_stream().wait_stream(stream)


class Run:
    """One training run; `last.pt` holds all its state, so a kill costs little."""

    def __init__(self, faces: Faces, s: Settings) -> None:
        self.s = s = continued(s)
        self.out = Path(s.out)
        self.out.mkdir(parents=True, exist_ok=True)
        found = "cuda" if torch.cuda.is_available() else "cpu"
        self.device = torch.device(s.device or found)
        torch.manual_seed(s.seed)
        torch.backends.cudnn.benchmark = True
        self.rows = self._on_device(faces.part(TRAINING))
        self.data = fingerprint(faces)
        self.checks = self._on_device(faces.part(PUBLIC_TEST))
        self.weights = self._row_weights()
        self.net = self._in_layout(self._first_learner())
        for parameter in self.net.parameters():
            # made here, gradients have the parameters' strides, as fused SGD wants
            parameter.grad = torch.zeros_like(parameter)
        self.average = copy.deepcopy(self.net).eval()
        self.best = copy.deepcopy(self.average.state_dict())
        self.teachers = [self._teacher(path) for path in s.teacher]
        # Numbers that change from step to step, where a recorded step finds them.
        self.rate, self.keep, self.own, self.mix, self.total = (
            torch.zeros((), device=self.device) for _ in range(5)
        )
        self.answers = torch.zeros_like(self.rows[1])
        self.optimiser = make_optimiser(self.net, self.rate, s)
        self.recorded: tuple[Settings, Recorded] | None = None
        self.epoch, self.best_figure, self.saved = 0, math.inf, time.monotonic()
        self._resume()

    def _first_learner(self) -> Learner:
        if self.s.start:
            return load_learner(self.s.start, self.s.labels)
        learner = new_learner(dataclasses.asdict(self.s))
        if isinstance(learner.net, IdentityNet):
            learner.net.begin_as_dlib(self.s.identity, self._some_pictures())
        elif self.s.zero_start:
            for block in learner.net.stages:
                nn.init.zeros_(block.norm2.weight)
        return learner

    def _some_pictures(self) -> Tensor:
        images = self.rows[0]
        some = images[torch.randperm(len(images))[:512]]
        return some.cpu().unsqueeze(1).float() / 255

    def _teacher(self, path: str) -> nn.Module:
        return self._in_layout(load_learner(path, self.s.labels).eval())

    def _in_layout(self, net: Net) -> Net:
        # channels last and bf16 are four times faster on a CPU with AMX
        return net.to(self.device, memory_format=torch.channels_last)

    def _on_device(self, part: Faces) -> tuple[Tensor, Tensor, Tensor]:
        arrays = (part.images, part.targets, part.beside)
        images, targets, beside = (torch.from_numpy(a).to(self.device) for a in arrays)
        return images, targets, beside

    def _row_weights(self) -> Tensor:
        targets = self.rows[1]
        sizes = targets.sum(0).clamp(min=1)
        return targets @ sizes**-self.s.balance

    def _resume(self) -> None:
        path = self.out / "last.pt"
        if not path.exists():
            return
        saved = torch.load(path, map_location=self.device, weights_only=True)
        was, now = saved.get("settings", {}), self._settings()
        other = ", ".join(name for name in OF_A_RUN if was.get(name) != now[name])
        if other:
            raise SystemExit(f"{self.out} holds another run ({other}): give --out.")
        self.net.load_state_dict(saved["net"])
        self.average.load_state_dict(saved["average"])
        self.optimiser.load_state_dict(saved["optimiser"])
        for group in self.optimiser.param_groups:
            group["lr"] = self.rate
        self.answers.copy_(saved["answers"])
        self.best, self.best_figure = saved["best"], saved["best_figure"]
        self.epoch = saved["epoch"]
        print(f"Going on with {self.out} after epoch {self.epoch}.")

    def _settings(self) -> dict[str, Any]:
        # the same data may lie elsewhere, so they go by what they are
        return dataclasses.asdict(self.s) | {"data": self.data}

    def save(self) -> None:
        """Write `last.pt`, to go on from, and `best.pt`, the best averaged weights."""
        best = {"settings": dataclasses.asdict(self.s), "average": self.best}
        self._write("best.pt", best)
        last = {
            "settings": self._settings(),
            "net": self.net.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "answers": self.answers,
            "best": self.best,
            "best_figure": self.best_figure,
            "epoch": self.epoch,
        }
        self._write("last.pt", last)
        self.saved = time.monotonic()

    def _write(self, name: str, content: dict[str, Any]) -> None:
        torch.save(content, self.out / "saving.tmp")
        (self.out / "saving.tmp").replace(self.out / name)

    def train(self) -> None:
        """Train to the last epoch."""
        while self.epoch < self.s.epochs:
            # a seed an epoch: a resumed run sees what an unbroken one would have
            torch.manual_seed(self.s.seed * 100_003 + self.epoch)
            started = time.monotonic()
            self._ask_itself()
            loss = self._one_epoch()
            self.epoch += 1
            figures = evaluate(self.average.net, *self.checks[:2])
            figure = figures[self.s.choose]
            if self.s.choose != "loss":
                figure = -figure
            if figure < self.best_figure:
                self.best_figure = figure
                self.best = copy.deepcopy(self.average.state_dict())
            ended = time.monotonic()
            took = round(ended - started, 1)
            line = {"epoch": self.epoch, "train": round(loss, 4), **figures, "s": took}
            self._log(line)
            if ended - self.saved >= self.s.save or self.epoch == self.s.epochs:
                self.save()

    def _one_epoch(self) -> float:
        per_epoch = max(1, len(self.rows[0]) // self.s.batch)
        drawn = per_epoch * self.s.batch
        order = torch.multinomial(self.weights, drawn, replacement=True)
        step = self._step_of_this_epoch()
        self.total.zero_()
        self.net.train()
        for index, rows in enumerate(order.split(self.s.batch)):
            self._turn_dials(self.epoch * per_epoch + index, per_epoch)
            step(rows)
        return float(self.total) / per_epoch

    def _step_of_this_epoch(self) -> Callable[[Tensor], None]:
        s = calmed(self.s, self.epoch)
        if self.device.type != "cuda":
            return functools.partial(self._step, s)
        if self.recorded is None or self.recorded[0] != s:
            self.recorded = s, Recorded(functools.partial(self._step, s))
        return self.recorded[1]

    def _turn_dials(self, step: int, per_epoch: int) -> None:
        s = self.s
        steps, warmup = s.epochs * per_epoch, int(s.warmup * per_epoch)
        self.rate.fill_(learning_rate(step, steps, warmup, s))
        # early on a shorter memory, or the start would stay in the average for epochs
        keep = s.ema ** (s.batch / 128)
        self.keep.fill_(keep if s.start else min(keep, (step + 1) / (step + 10)))
        self.own.fill_(s.own * self.epoch / s.epochs)
        self.mix.fill_(1)
        if torch.rand(()) < calmed(s, self.epoch).mixup:
            self.mix.fill_(torch.distributions.Beta(0.3, 0.3).sample())

    def _step(self, s: Settings, rows: Tensor) -> None:
        images, targets, beside = (part[rows] for part in self.rows)
        targets = torch.lerp(targets, self.answers[rows], self.own)
        x, targets, beside = (
            torch.lerp(v.flip(0), v, self.mix)
            for v in (augment(images, s), targets, beside)
        )
        x = x.contiguous(memory_format=torch.channels_last)
        with torch.autocast(self.device.type, torch.bfloat16):
            if self.teachers:
                targets, beside = self._taught(x, targets, beside)
            main, other = self.net(x)
        loss = soft_cross_entropy(main, targets)
        both = loss + s.beside * soft_cross_entropy(other, beside)
        self.optimiser.zero_grad(set_to_none=False)
        both.backward()
        self.optimiser.step()
        self._move_average()
        self.total += loss.detach()

    def _ask_itself(self) -> None:
        # Its own averaged answers mend what a few votes got wrong (Kim et al. 2021).
        if not self.s.own or not self.epoch:
            return
        if self.epoch % self.s.ask == 0 or not self.answers.any():
            self.answers.copy_(F.softmax(read(self.average.net, self.rows[0]), 1))

    @torch.no_grad()
    def _taught(
        self, x: Tensor, targets: Tensor, beside: Tensor
    ) -> tuple[Tensor, Tensor]:
        # each teacher answers for a part of the batch: in time every row hears all of
        # them, and a step costs what one teacher does
        parts = x.tensor_split(len(self.teachers))
        says = [net(part) for net, part in zip(self.teachers, parts, strict=True)]
        heads = [
            F.softmax(torch.cat(logits).float(), 1)
            for logits in zip(*says, strict=True)
        ]
        share = self.s.distil
        return torch.lerp(targets, heads[0], share), torch.lerp(beside, heads[1], share)

    @torch.no_grad()
    def _move_average(self) -> None:
        pairs = zip(
            self.average.state_dict().values(),
            self.net.state_dict().values(),
            strict=True,
        )
        floats = [pair for pair in pairs if pair[0].is_floating_point()]
        average, current = [list(part) for part in zip(*floats, strict=True)]
        torch._foreach_mul_(average, self.keep)
        torch._foreach_add_(average, torch._foreach_mul(current, 1 - self.keep))  # noqa: SLF001

    def _log(self, line: dict[str, float]) -> None:
        text = json.dumps(line)
        print(text, flush=True)
        with (self.out / "log.jsonl").open("a") as file:
            file.write(text + "\n")


def parse() -> Settings:
    """Read the settings from the command line."""
    shape = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=shape)
    for field in dataclasses.fields(Settings):
        name, default = "--" + field.name.replace("_", "-"), field.default
        if isinstance(default, bool):
            parser.add_argument(name, action="store_true")
        elif isinstance(default, tuple):
            kind = type(default[0]) if default else str
            parser.add_argument(name, nargs="*", type=kind, default=default)
        else:
            parser.add_argument(name, type=type(default), default=default)
    given = vars(parser.parse_args()).items()
    return Settings(**{k: tuple(v) if isinstance(v, list) else v for k, v in given})


def quick(s: Settings) -> Settings:
    """Shrink a run to some seconds; drawn faces bear less zoom than photographs."""
    if s.out == Settings.out:
        s = dataclasses.replace(s, out="training/runs/quick")
    small = dataclasses.replace(s, channels=(16, 24, 32), blocks=(1, 1, 1), epochs=5)
    return dataclasses.replace(small, batch=32, lr=0.2, ema=0.95, zoom=(0.9, 1.1))


def main() -> None:
    """Train, or prepare the data, as the command line says."""
    s = parse()
    torch.set_num_threads(s.threads)
    if s.prepare:
        prepare(s.data, s.prepare)
        return
    if s.keep:
        if not s.start:
            raise SystemExit("--keep writes the checkpoint that --start names.")
        keep(s.start, s.keep)
        return
    if s.quick:
        s = quick(s)
        faces = generated_faces(4000, s.seed)
    else:
        faces = read_faces(s.data, s.labels, s.named_share, copies=s.copies)
    Run(faces, s).train()


if __name__ == "__main__":
    main()
