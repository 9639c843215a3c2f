"""What small, blurred and dark faces still say: `python tests/bench/bench_quality.py`.

Every third face of FER2013's PublicTest is made smaller, smeared or darkened
(with a camera's noise of 3 grey levels) and read by the expression network. The
table shows the information that is left: how much better than chance the
likelihoods name the FER+ majority, every expression counting the same, as a share
of that of the whole face. Beside it stands the weight that
`mopidy_moodcam/feeling/people.py` gives such a face. Skips where the shared data
is absent.
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from mopidy_moodcam.feeling.evidence import likelihoods
from mopidy_moodcam.feeling.people import light_quality, quality
from mopidy_moodcam.glossary import EXPRESSIONS, Face
from mopidy_moodcam.seeing import expression, light
from mopidy_moodcam.seeing.faces import CROP_SIDE
from tests.bench import benches
from tests.bench.make_probabilities import PUBLIC_TEST, classify, read_faces


def smaller(images: np.ndarray, side: float) -> np.ndarray:
    """Return the faces scaled to `side` pixels."""
    size = (int(side), int(side))
    return np.stack([cv2.resize(i, size, interpolation=cv2.INTER_AREA) for i in images])


def smeared(images: np.ndarray, sigma: float) -> np.ndarray:
    """Return the faces under a Gaussian blur of `sigma` pixels."""
    return np.stack([cv2.GaussianBlur(image, (0, 0), sigma) for image in images])


def darkened(images: np.ndarray, share: float) -> np.ndarray:
    """Return the faces in a `share` of the light, with noise and rounding."""
    noise = np.random.default_rng(0).normal(0, 3, images.shape)
    return np.clip(np.round(images * share + noise), 0, 255).astype(np.uint8)


CASES = (
    *((f"{side} px wide", smaller, side) for side in (32, 24, 20, 16, 12, 8)),
    *((f"blur of {sigma:g} px", smeared, sigma) for sigma in (0.7, 1, 1.5, 2, 3)),
    *((f"{share:.0%} of the light", darkened, share) for share in (0.5, 0.25, 0.12)),
)


def information(probabilities: np.ndarray, truth: np.ndarray) -> float:
    """Return nats above chance of likelihoods over equally likely expressions."""
    shares = np.array([likelihoods(row) for row in probabilities]) / len(EXPRESSIONS)
    own = np.log(shares[np.arange(len(truth)), truth])
    by_class = [own[truth == i].mean() for i in range(len(EXPRESSIONS))]
    return float(np.mean(by_class) + np.log(len(EXPRESSIONS)))


def weight(images: np.ndarray) -> float:
    """Return the median weight that the tracker gives such faces."""
    pixels = images.shape[-1] / CROP_SIDE
    uniform = (1 / len(EXPRESSIONS),) * len(EXPRESSIONS)
    faces = [
        Face((0, 0, 1, 1), pixels, light.sharpness(image), uniform)
        for image in images[:200]
    ]
    bright = light_quality(float(np.mean(images)) / 255)
    return float(np.median([quality(face) for face in faces])) * bright


def main() -> None:
    """Print the table."""
    benches.begin()
    path = benches.shared("faces/fer2013.npz")
    if path is None:
        return
    images, truth = (part[::3] for part in read_faces(path, PUBLIC_TEST))
    model = expression.load()
    whole = information(classify(model, images), truth)
    print(f"{len(truth)} faces, {whole:.2f} nats from whole ones")
    print(f"{'':20}{'read right':>11}{'information':>13}{'weight':>8}")
    for name, change, amount in CASES:
        changed = change(images, amount)
        answers = classify(model, changed)
        right = (answers.argmax(axis=1) == truth).mean()
        left = information(answers, truth) / whole
        print(f"{name:20}{right:11.1%}{left:13.0%}{weight(changed):8.2f}")


if __name__ == "__main__":
    main()
