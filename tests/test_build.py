"""The wheel, as pip builds it from a checkout."""

import pathlib
import shutil
import subprocess
import sys
import zipfile

import pytest

pytest.importorskip("setuptools", minversion="77.0.3")
CHECKOUT = pathlib.Path(__file__).parents[1]
PARTS = ("setup.py", "setup.cfg", "pyproject.toml", "README.md", "LICENSE", "NOTICE")


@pytest.fixture
def checkout(tmp_path):
    folder = tmp_path / "checkout"
    for package in ("mopidy_moodcam", "models"):
        shutil.copytree(
            CHECKOUT / package,
            folder / package,
            ignore=shutil.ignore_patterns("__pycache__", "*.onnx", "*.tflite", "*.ts"),
        )
    for name in PARTS:
        shutil.copy(CHECKOUT / name, folder)
    return folder


def build(checkout, wheels):
    """Go through the hooks that pip calls; return the names in the wheel."""
    script = (
        "import sys\n"
        "from setuptools import build_meta as backend\n"
        "wheels = sys.argv[1]\n"
        "backend.get_requires_for_build_wheel()\n"
        "backend.prepare_metadata_for_build_wheel(wheels)\n"
        "backend.build_wheel(wheels)\n"
    )
    wheels.mkdir()
    command = [sys.executable, "-c", script, str(wheels)]
    subprocess.run(command, cwd=checkout, check=True, capture_output=True)
    (wheel,) = wheels.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_a_build_leaves_nothing_in_the_checkout(checkout, tmp_path):
    before = sorted(checkout.rglob("*"))
    removed = "mopidy_moodcam/words.py"
    first = build(checkout, tmp_path / "first")
    (checkout / removed).unlink()
    second = build(checkout, tmp_path / "second")
    assert first - second == {removed}
    assert {"mopidy_moodcam/models/song_moods.json", "mopidy_moodcam/ext.conf"} < second
    assert sorted(checkout.rglob("*")) == [p for p in before if p != checkout / removed]
