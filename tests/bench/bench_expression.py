"""How well and how fast expressions are read: `python tests/bench/bench_expression.py`.

Prints every figure of the model card with a 95 % bootstrap interval, next to the bar it
has to reach. The network saw nothing of PrivateTest; the mood's filter is fitted there
(`learn_evidence.py`). The London and LFW photographs were never trained on. Skips where
the shared data or torch is absent.

    --model FILE      another model than the shipped one
    --second FILE…    other checkpoints that learned FER2013's own labels, read together
    --uncopied FILE…  others that did without copies of test rows
    --crop-side 1.1 1.25 1.4      London at several crop sizes, in detector boxes
"""

from __future__ import annotations

import argparse
import csv
import importlib.util
import io
import sys
import zipfile
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(1, str(Path(__file__).parents[2]))
sys.path.insert(2, str(Path(__file__).parents[2] / "training"))

from mopidy_moodcam import resources
from mopidy_moodcam.glossary import EXPRESSIONS
from mopidy_moodcam.seeing import expression, faces
from tests.bench import benches
from tests.bench.bench_faces import clip_frames, composed, milliseconds

SEED = 1
TRAINED = Path(__file__).parents[2] / "training"
SECOND = sorted(TRAINED.glob("expression_fer2013_[0-9].pt"))
UNCOPIED = [TRAINED / "expression_fer2013_uncopied.pt"]
CONDITIONS = {
    "face 40 px wide": {"width": 40},
    "face 24 px wide": {"width": 24},
    "rolled by 20°": {"width": 120, "roll": 20},
    "in 25 % light": {"width": 120, "light": 0.25},
    "in 8 % light": {"width": 120, "light": 0.08},
    "40 px, rolled by 20°, in 25 % light": {"width": 40, "roll": 20, "light": 0.25},
}


# --- figures ------------------------------------------------------------------------


def accuracy(found: np.ndarray, truth: np.ndarray) -> float:
    return float((found.argmax(1) == truth).mean())


def macro_f1(found: np.ndarray, truth: np.ndarray) -> float:
    guess, scores = found.argmax(1), []
    for label in np.unique(truth):
        hit = np.sum((guess == label) & (truth == label))
        scores.append(2 * hit / (np.sum(guess == label) + np.sum(truth == label)))
    return float(np.mean(scores))


def calibration_error(found: np.ndarray, truth: np.ndarray, bins: int = 15) -> float:
    """Mean gap of confidence and accuracy over equal bins (Guo et al. 2017)."""
    confidence, right = found.max(1), found.argmax(1) == truth
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [
        abs(right[place == b].mean() - confidence[place == b].mean())
        * np.mean(place == b)
        for b in np.unique(place)
    ]
    return float(np.sum(gaps))


def interval(figure, found, truth, times: int = 1000) -> tuple[float, float]:
    rng = np.random.default_rng(SEED)
    draws = rng.integers(0, len(truth), (times, len(truth)))
    values = [figure(found[rows], truth[rows]) for rows in draws]
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)


def show(name: str, figure, found, truth, bar: str = "") -> None:
    low, high = interval(figure, found, truth)
    value = figure(found, truth)
    row = f"{name} (n={len(truth)})"
    print(f"{row:76s} {value:.3f}  [{low:.3f}, {high:.3f}]  {bar}", flush=True)


# --- data ---------------------------------------------------------------------------


def private_test(path: Path) -> dict[str, np.ndarray]:
    """PrivateTest with FER+ truth, which rows the paper's rule keeps, and copies."""
    import expression_cnn as training

    with np.load(path) as file:
        rows = file["usage"] == training.PRIVATE_TEST
        others = file["first_same"][~rows]
        images = np.cumsum(file["image_deltas"][rows], axis=2, dtype=np.uint8)
        votes = file["votes"][rows]
        return {
            "images": images,
            "truth": training.vote_targets(votes)[0].argmax(1),
            "clear": training.clear_majority(votes),
            "label": file["label"][rows],
            "copy": np.isin(file["first_same"][rows], others),
        }


def photographs(path: Path) -> tuple[list[np.ndarray], np.ndarray]:
    """Pictures uint8 [H,W,3] BGR of an archive, and their expressions."""
    with zipfile.ZipFile(path) as archive:
        table = next(n for n in archive.namelist() if n.endswith("labels.csv"))
        folder = table.removesuffix("labels.csv")
        rows = list(csv.DictReader(io.StringIO(archive.read(table).decode())))
        coded = [archive.read(folder + row["file"]) for row in rows]
    labels = [EXPRESSIONS.index(row["expression"]) for row in rows]
    pictures = [
        cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) for data in coded
    ]
    return pictures, np.array(labels)


def grey(picture: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)


def read_in_parts(model, crops) -> np.ndarray:
    parts = [model(list(crops[i : i + 128])) for i in range(0, len(crops), 128)]
    return np.concatenate(parts)


def through_the_detector(model, finder, pictures) -> np.ndarray:
    """Probabilities of the widest face; rows of nothing where none is found."""
    out = np.full((len(pictures), 7), np.nan, np.float32)
    for row, picture in zip(out, pictures, strict=True):
        found = finder.find(picture)
        if found:
            row[:] = model([faces.crop(grey(picture), found[0])])[0]
    return out


def missed_counts_as_wrong(found: np.ndarray, truth: np.ndarray) -> float:
    good = ~np.isnan(found[:, 0])
    return float(np.sum(found[good].argmax(1) == truth[good]) / len(truth))


# --- the table ----------------------------------------------------------------------


def fer2013(model, rows: dict[str, np.ndarray]) -> None:
    found = read_in_parts(model, rows["images"])
    clear = rows["clear"]
    p, t = found[clear], rows["truth"][clear]
    show("PrivateTest, FER+ majority rule, accuracy", accuracy, p, t, ">= 0.89")
    show("PrivateTest, FER+ majority rule, macro F1", macro_f1, p, t, ">= 0.79")
    show("PrivateTest, FER+ rule, ECE", calibration_error, p, t, "<= 0.03")
    unique = clear & ~rows["copy"]
    p, t = found[unique], rows["truth"][unique]
    show("  the same without copies of other rows, accuracy", accuracy, p, t)
    show("  the same without copies of other rows, macro F1", macro_f1, p, t)
    for index, name in enumerate(EXPRESSIONS):
        of = clear & (rows["truth"] == index)
        show(f"  recall of {name}", accuracy, found[of], rows["truth"][of])
    show("PrivateTest, FER2013's own labels, accuracy", accuracy, found, rows["label"])


def second_runs(
    with_copies: list[Path], without: list[Path], rows: dict[str, np.ndarray]
) -> None:
    """Networks that learned FER2013's own labels, against them.

    Some had copies of test rows in Training, as the literature has them, others not.
    """
    each = [learned(checkpoint, rows["images"]) for checkpoint in with_copies]
    for number, found in enumerate(each, 1):
        second_run(f"with copies, network {number}", found, rows)
    name = f"with copies, these {len(each)} together"
    second_run(name, np.mean(each, axis=0), rows, ">= 0.733")
    each = [learned(checkpoint, rows["images"]) for checkpoint in without]
    second_run("without copies", np.mean(each, axis=0), rows)


def learned(checkpoint: Path, images: np.ndarray) -> np.ndarray:
    """Probabilities float32 [N,7] by a network, of each face and its mirror image."""
    import expression_cnn as training
    import torch

    torch.set_num_threads(1)
    net = training.load_net(checkpoint)
    return training.read(net, torch.from_numpy(images)).softmax(1).numpy()


def second_run(
    how: str, found: np.ndarray, rows: dict[str, np.ndarray], bar: str = ""
) -> None:
    name = f"PrivateTest, FER2013's labels, second run {how}"
    show(name, accuracy, found, rows["label"], bar)
    unique = ~rows["copy"]
    name = "  the same without copies of other rows"
    show(name, accuracy, found[unique], rows["label"][unique])
    show("  the copies alone", accuracy, found[~unique], rows["label"][~unique])


def lfw(model, finder, shared: Path) -> None:
    pictures, truth = photographs(shared / "lfw_expressions_dev.zip")
    found = read_in_parts(model, [grey(picture) for picture in pictures])
    show("LFW dev, the crops as they are, accuracy", accuracy, found, truth, ">= 0.88")
    show("  macro recall of happy and neutral", accuracy_of_two, found, truth)
    border = (32, 32, 32, 32, cv2.BORDER_REPLICATE)
    wider = [cv2.copyMakeBorder(picture, *border) for picture in pictures]
    found = through_the_detector(model, finder, wider)
    show("LFW dev, border and detector, accuracy", missed_counts_as_wrong, found, truth)


def accuracy_of_two(found: np.ndarray, truth: np.ndarray) -> float:
    two = [EXPRESSIONS.index(name) for name in ("happy", "neutral")]
    guess = found.argmax(1)
    return float(np.mean([np.mean(guess[truth == label] == label) for label in two]))


def london(model, finder, shared: Path) -> None:
    pictures, truth = photographs(shared / "london_dev.zip")
    found = through_the_detector(model, finder, pictures)
    name = "London dev through the detector, accuracy"
    show(name, missed_counts_as_wrong, found, truth, ">= 0.90")
    for label in ("neutral", "happy"):
        of = truth == EXPRESSIONS.index(label)
        show(f"  recall of {label}", missed_counts_as_wrong, found[of], truth[of])
    boxes = [finder.find(picture)[0].box for picture in pictures]
    empty = clip_frames(shared / "clips" / "no_face.mp4")
    for name, case in CONDITIONS.items():
        rng = np.random.default_rng(SEED)
        frames = [
            composed(picture, box, empty[i % len(empty)], rng, **case)[0]
            for i, (picture, box) in enumerate(zip(pictures, boxes, strict=True))
        ]
        found = through_the_detector(model, finder, frames)
        show(f"  {name}", missed_counts_as_wrong, found, truth)


def crop_sides(model, finder, shared: Path, sides: list[float]) -> None:
    pictures, truth = photographs(shared / "london_dev.zip")
    before = faces.CROP_SIDE
    for side in sides:
        faces.CROP_SIDE = side
        found = through_the_detector(model, finder, pictures)
        show(f"London dev, crop {side:g} boxes", missed_counts_as_wrong, found, truth)
        print(f"    mean log likelihood {log_likelihood(found, truth):.3f}")
    faces.CROP_SIDE = before


def log_likelihood(found: np.ndarray, truth: np.ndarray) -> float:
    chosen = found[np.arange(len(truth)), truth]
    return float(np.nanmean(np.log(np.maximum(chosen, 1e-6))))


def size(file: Path) -> None:
    """Parameters and multiply-adds for one face, both views, from the ONNX graph."""
    import onnx

    model = onnx.load(file)
    weights = {w.name: int(np.prod(w.dims)) for w in model.graph.initializer}
    parameters = sum(weights.values())
    shape = model.graph.input[0].type.tensor_type.shape
    for dim, value in zip(shape.dim, (1, 48, 48), strict=True):
        dim.dim_value = value
    graph = onnx.shape_inference.infer_shapes(model, data_prop=True).graph
    shapes = {
        value.name: [d.dim_value for d in value.type.tensor_type.shape.dim]
        for value in graph.value_info
    }
    total = 0
    for node in graph.node:
        if node.op_type == "Identity" and node.input[0] in weights:
            weights[node.output[0]] = weights[node.input[0]]
        if node.op_type == "Conv":
            total += weights[node.input[1]] * int(np.prod(shapes[node.output[0]][2:]))
        if node.op_type == "Gemm":
            total += weights[node.input[1]]
    print(f"parameters {parameters / 1e6:.2f} M   (at most 1.5 M)")
    print(
        f"multiply-adds, mirror image included, {total / 1e6:.0f} M   (at most 150 M)"
    )


def speed(model, finder, shared: Path) -> None:
    picture = photographs(shared / "london_dev.zip")[0][0]
    empty = clip_frames(shared / "clips" / "no_face.mp4")
    box = finder.find(picture)[0].box
    rng = np.random.default_rng(SEED)
    frame, _ = composed(picture, box, empty[0], rng, width=120)

    def look(*, follow: bool) -> None:
        found = finder.find(frame, follow=follow)
        model([faces.crop(grey(frame), found[0])])

    first = milliseconds(lambda: look(follow=False))
    follow = milliseconds(lambda: look(follow=True))
    if not hasattr(cv2, "CascadeClassifier"):
        print(
            f"640x480 frame: {first:.1f} ms, following {follow:.1f} ms (no Haar here)"
        )
        return
    cascade = faces.HaarFinder()
    haar = milliseconds(lambda: cascade.find(frame))
    print(f"640x480 frame, one face, CPU time of one thread: Haar alone {haar:.1f} ms")
    for name, value, bar in (("first look", first, 0.5), ("following", follow, 0.2)):
        ratio = f"ratio {value / haar:.2f}   (at most {bar})"
        print(f"  {name}, frame to probabilities {value:.1f} ms, {ratio}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--runtime", default="auto")
    parser.add_argument("--second", type=Path, nargs="+", default=SECOND)
    parser.add_argument("--uncopied", type=Path, nargs="+", default=UNCOPIED)
    parser.add_argument("--crop-side", type=float, nargs="*", default=[])
    given = parser.parse_args()
    benches.begin("one thread", "[95 % bootstrap interval]")
    if importlib.util.find_spec("torch") is None:
        print("SKIPPED: torch, which this needs, is not installed.")
        return 0
    shared = benches.shared("faces")
    if shared is None:
        return 0
    cv2.setNumThreads(1)
    model = expression.load(given.model, given.runtime)
    finder, _ = faces.open_finder()
    print(f"read by {model.runtime}")
    if given.crop_side:
        crop_sides(model, finder, shared, given.crop_side)
        return 0
    rows = private_test(shared / "fer2013.npz")
    fer2013(model, rows)
    second_runs(given.second, given.uncopied, rows)
    lfw(model, finder, shared)
    london(model, finder, shared)
    size(given.model or resources.model_path("expression.onnx"))
    speed(model, finder, shared)
    return 0


if __name__ == "__main__":
    sys.exit(main())
