"""Train the heads that turn sound into arousal, valence and Spotify's scales.

    python training/song_heads.py            cross-validate and print the table
    python training/song_heads.py --write    also write models/song_heads.json

Reads MUSIFEAST-17 (356 clips rated by 701 listeners, CC0; 178 of them with
audio) from `$MOODCAM_SHARED/data/music` or `../shared/data/music`. What a head
learns from:

    arousal, valence             the listeners' ratings, 1 to 5
    energy                       the arousal head, brought to Spotify's scale
    instrumentalness             the column `vocals` of the same ratings
    danceability, acousticness,  the estimates of the PyPI package vibenet for the
    speechiness, liveness        same clips (nobody rated these): a head repeats
                                 an estimate, so it can be no better than that

Each clip is heard as it is and turned down, with the same rating: how loud a file was
mastered must not decide its mood.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import sys
from pathlib import Path

import numpy as np
from sklearn.linear_model import Ridge, RidgeCV
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import KFold, LeaveOneGroupOut
from sklearn.preprocessing import StandardScaler

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from mopidy_moodcam.resources import weight_path  # noqa: E402
from mopidy_moodcam.songs.hearing.analysis import hear  # noqa: E402
from mopidy_moodcam.songs.hearing.decode import Sound, decode  # noqa: E402
from mopidy_moodcam.songs.hearing.heads import LEARNED, PLAIN  # noqa: E402
from mopidy_moodcam.songs.hearing.musicnn import Musicnn  # noqa: E402

SHARED = Path(os.environ.get("MOODCAM_SHARED") or ROOT.parent / "shared")
MUSIC = SHARED / "data" / "music"
SEED = 17
FOLDS = 10
ALPHAS = np.logspace(0, 5, 31)

LEVELS = (0, -6, -12, -18)
"""How far each clip is turned down, in dB; as it is first."""

NOT_SOUND = ("key", "tempo")
"""Neither is a quantity: a pitch class is a name, and a tempo may be unknown."""
VIBENET = (
    "acousticness",
    "danceability",
    "energy",
    "instrumentalness",
    "liveness",
    "speechiness",
    "valence",
)
"""The columns of `vibenet7`."""
REPEATED = ("acousticness", "danceability", "liveness", "speechiness")


def load():
    """Return the rated clips that have audio, and their reference features."""
    with (MUSIC / "musifeast17.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    reference = np.load(MUSIC / "musifeast17_features.npz")
    at = {clip: i for i, clip in enumerate(reference["clip"])}
    clips = [row for row in rows if row["audio"] == "1"]
    order = [at[row["clip"]] for row in clips]
    return clips, {name: reference[name][order] for name in reference.files}


def listen(clips, cache=None):
    """Analyse the clips with the package's own code.

    Returns what was heard as [levels][clips] of numbers by name.
    """
    if cache and cache.exists():
        return json.loads(cache.read_text())
    network = Musicnn(weight_path("musicnn.onnx"))
    folder = MUSIC / "musifeast17"
    paths = [(folder / f"{row['clip']}.mp3").resolve() for row in clips]
    sounds = [decode(path.as_uri()) for path in paths]
    heard = [
        [hear(turned(sound, level), network) for sound in sounds] for level in LEVELS
    ]
    if cache:
        cache.write_text(json.dumps(heard))
    return heard


def turned(sound, level):
    """Return a sound turned up or down by `level` dB."""
    factor = np.float32(10 ** (level / 20))
    return Sound(tuple(window * factor for window in sound.windows), sound.seconds)


def inputs(heard, kind):
    """Return the input names of a set of heads, and float [levels, clips, inputs]."""
    names = [
        name
        for name in heard[0][0]
        if name not in NOT_SOUND and (kind == LEARNED or "musicnn" not in name)
    ]
    return names, np.array(
        [[[row[name] for name in names] for row in clips] for clips in heard]
    )


def fit(x, y):
    """Return weights and bias of a ridge on [levels, clips, inputs], standardised.

    Its alpha is chosen on the clips as they are: one clip at two levels would tell
    what it is left out to test.
    """
    rows = x.reshape(-1, x.shape[-1])
    scaler = StandardScaler().fit(rows)
    alpha = RidgeCV(alphas=ALPHAS).fit(scaler.transform(x[0]), y).alpha_
    model = Ridge(alpha * len(x)).fit(scaler.transform(rows), np.tile(y, len(x)))
    weights = model.coef_ / scaler.scale_
    return weights, model.intercept_ - weights @ scaler.mean_


def r2(truth, predicted):
    """Return the explained variance over all held-out predictions."""
    return 1 - ((truth - predicted) ** 2).sum() / ((truth - truth.mean()) ** 2).sum()


def by_folds(x, y):
    """Return held-out predictions of 10 folds, [levels, clips]."""
    return held_out(x, y, KFold(FOLDS, shuffle=True, random_state=SEED).split(y))


def by_genre(x, y, genres):
    """Return the same, one genre left out at a time."""
    return held_out(x, y, LeaveOneGroupOut().split(y, groups=genres))


def held_out(x, y, splits):
    """Return predictions of the clips that each split leaves out, [levels, clips]."""
    predicted = np.empty(x.shape[:2])
    for train, test in splits:
        weights, bias = fit(x[:, train], y[train])
        predicted[:, test] = x[:, test] @ weights + bias
    return predicted


def logit(values):
    """Stretch 0 … 1 to the whole line, its ends kept finite."""
    return np.log((values + 0.01) / (1.01 - values))


def line(x, y, *, logistic):
    """Fit a head on all clips."""
    weights, bias = fit(x, y)
    return {
        "weights": [float(f"{weight:.5g}") for weight in weights],
        "bias": float(f"{bias:.7g}"),
        "logistic": logistic,
    }


def scaled(head, x, y, like):
    """Bring a rating's head to Spotify's scale, on which the clips are `like`.

    Mean and spread are matched before the logistic curve, so that nothing piles
    up at 0 or 1. The spread is that of held-out predictions: a ridge shrinks.
    """
    predicted, like = by_folds(x, y)[0], logit(like)
    factor = like.std() / predicted.std()
    weights = [float(f"{weight * factor:.5g}") for weight in head["weights"]]
    bias = (head["bias"] - predicted.mean()) * factor + like.mean()
    return {"weights": weights, "bias": float(f"{bias:.7g}"), "logistic": True}


def train(kind, heard, clips, reference):
    """Return one set of heads as plain numbers."""
    names, x = inputs(heard, kind)
    heads = {}
    for rating, scale in (("arousal", "energy"), ("valence", "valence")):
        y = reference[rating].astype(float)
        like = reference["vibenet7"][:, VIBENET.index(scale)].astype(float)
        head = line(x, y, logistic=False)
        if rating == "arousal":  # ratings 1 … 5 to −1 … 1
            weights = [float(f"{weight / 2:.5g}") for weight in head["weights"]]
            bias = float(f"{(head['bias'] - 3) / 2:.7g}")
            heads["arousal"] = {"weights": weights, "bias": bias, "logistic": False}
        heads[scale] = scaled(head, x, y, like)
    for name in REPEATED:
        y = logit(reference["vibenet7"][:, VIBENET.index(name)].astype(float))
        heads[name] = line(x, y, logistic=True)
    heads["instrumentalness"] = line(x, without_voice(clips), logistic=True)
    return {"inputs": names, "heads": heads}


def without_voice(clips):
    """Return a target for a logistic head: ±2 by the raters' column `vocals`."""
    return np.array([-2.0 if row["vocals"] == "yes" else 2.0 for row in clips])


def measure(heard, clips, reference):
    """Print what each set of columns is worth, held out, at each level."""
    learned, plain = inputs(heard, LEARNED), inputs(heard, PLAIN)
    only = [i for i, name in enumerate(learned[0]) if "musicnn" in name]
    sets = {
        "musicnn_emb200 (reference)": reference["musicnn_emb200"][None],
        "our musicnn, mean and spread": learned[1][..., only],
        "our descriptors": plain[1],
        "ours, all (shipped)": learned[1],
    }
    print(
        f"R² on {len(clips)} clips: 10 folds (seed {SEED}), as they are and at"
        f" {LEVELS[1:]} dB / leaving a genre out"
    )
    for name, x in sets.items():
        cells = []
        for rating in ("arousal", "valence"):
            y = reference[rating].astype(float)
            genre = by_genre(x, y, reference["genre"])[0]
            cells.append(f"{rating} {worth(x, y)} / {r2(y, genre):.3f}")
        print(f"  {name:30} {cells[0]}   {cells[1]}")
    measure_others(learned[1], clips, reference)


def worth(x, y):
    """Return R² of 10 folds at each level, as words."""
    return " ".join(f"{r2(y, predicted):.3f}" for predicted in by_folds(x, y))


def measure_others(x, clips, reference):
    """Print how well the heads repeat vibenet, and tell voices."""
    for name in REPEATED:
        y = logit(reference["vibenet7"][:, VIBENET.index(name)].astype(float))
        print(f"  {name:30} R² against vibenet's estimate {worth(x, y)}")
    y = without_voice(clips)
    area = roc_auc_score(y > 0, by_folds(x, y)[0])
    print(f"  {'instrumentalness':30} area under ROC against `vocals` {area:.3f}")


def main():
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="write the model")
    parser.add_argument("--cache", type=Path, help="keep what was heard in this file")
    options = parser.parse_args()
    clips, reference = load()
    heard = listen(clips, options.cache)
    measure(heard, clips, reference)
    if options.write:
        heads = {
            kind: train(kind, heard, clips, reference) for kind in (LEARNED, PLAIN)
        }
        path = ROOT / "models" / "song_heads.json"
        path.write_text(json.dumps(heads, indent=None) + "\n")
        print(f"Wrote {path} ({path.stat().st_size} bytes).")


if __name__ == "__main__":
    main()
