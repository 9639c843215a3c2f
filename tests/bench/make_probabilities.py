"""Store what the expression network says of faces it never learned, as numbers.

`python tests/bench/make_probabilities.py` reads FER2013 and the FER+ votes from
the shared data and the network from `models/`, and writes
`expression_probabilities.npz` beside this file: `probabilities` float16 [n, 7]
and `truth` uint8 [n] in the order of `EXPRESSIONS`, `public` bool [n] (PublicTest,
else PrivateTest), and the network's sha256.
Run it again whenever the network was trained anew, and `learn_evidence.py`
after it.

Rows are kept whose most frequent vote of all ten kinds is one of the seven
expressions, without a tie; images are not stored.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))
sys.path.insert(1, str(Path(__file__).parents[2] / "training"))

from expression_cnn import PRIVATE_TEST, PUBLIC_TEST, VOTE_COLUMNS

from mopidy_moodcam import resources
from mopidy_moodcam.glossary import EXPRESSIONS
from mopidy_moodcam.seeing import expression
from tests.bench.simulated_room import STORED
from tests.shared import find_shared

BATCH = 64


def read_faces(path: Path, usage: int) -> tuple[np.ndarray, np.ndarray]:
    """Return images uint8 [n, 48, 48] and truth uint8 [n] of one part."""
    with np.load(path) as data:
        rows = data["usage"] == usage
        images = np.cumsum(data["image_deltas"][rows], axis=2, dtype=np.uint8)
        votes = data["votes"][rows]
    top = votes.max(axis=1)
    clear = (votes == top[:, None]).sum(axis=1) == 1
    kept = clear & (votes[:, VOTE_COLUMNS].max(axis=1) == top)
    return images[kept], votes[kept][:, VOTE_COLUMNS].argmax(axis=1).astype(np.uint8)


def classify(model, images: np.ndarray) -> np.ndarray:
    """Return float32 [n, 7] for uint8 [n, 48, 48]."""
    batches = range(0, len(images), BATCH)
    return np.concatenate([model(list(images[i : i + BATCH])) for i in batches])


def report(probabilities: np.ndarray, truth: np.ndarray) -> None:
    """Print how many frames are read as their majority."""
    right = probabilities.argmax(axis=1) == truth
    print(f"{len(truth)} frames, {right.mean():.1%} read as their majority")
    for i, name in enumerate(EXPRESSIONS):
        print(f"  {name:9}{(truth == i).sum():6}{right[truth == i].mean():8.1%}")


def main() -> int:
    """Make the file; return 1 where the shared data is absent."""
    path = find_shared("faces/fer2013.npz")
    if path is None:
        print("faces/fer2013.npz is not on this machine (MOODCAM_SHARED).")
        return 1
    model = expression.load()
    parts = []
    for usage in (PUBLIC_TEST, PRIVATE_TEST):
        images, truth = read_faces(path, usage)
        probabilities = classify(model, images)
        report(probabilities, truth)
        parts.append((probabilities, truth, np.full(len(truth), usage == PUBLIC_TEST)))
    probabilities, truth, public = (
        np.concatenate(part) for part in zip(*parts, strict=True)
    )
    file = resources.model_path("expression.onnx")
    np.savez_compressed(
        STORED,
        probabilities=probabilities.astype(np.float16),
        truth=truth,
        public=public,
        network=np.array(hashlib.sha256(file.read_bytes()).hexdigest()),
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
