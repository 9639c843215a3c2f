import configparser
import dataclasses
import pathlib

import pytest

import mopidy_moodcam
from mopidy_moodcam.settings import Settings, schema

DEFAULTS = pathlib.Path(mopidy_moodcam.__file__).with_name("ext.conf")


def defaults():
    parser = configparser.RawConfigParser()
    parser.read(DEFAULTS)
    return dict(parser["moodcam"])


def validated(**changes):
    texts = {**defaults(), **changes}
    del texts["enabled"]
    types = schema()
    return {key: types[key].deserialize(text) for key, text in texts.items()}


def test_every_setting_has_a_default_a_type_and_a_line_in_the_readme():
    names = {field.name for field in dataclasses.fields(Settings)}
    assert names == set(schema()) == set(defaults()) - {"enabled"}
    readme = (pathlib.Path(__file__).parents[1] / "README.md").read_text()
    for name, text in defaults().items():
        assert f"| `{name}` | {f'`{text}`' if text else ''}" in readme, name


def test_the_defaults_in_ext_conf_are_those_of_the_code():
    assert Settings.from_config(validated()) == Settings()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("interval", "0"),
        ("interval", "soon"),
        ("watch", "sometimes"),
        ("goal", "party"),
        ("household", "0"),
        ("household", "51"),
        ("dwell", "-1"),
        ("dwell", "3601"),
        ("changes_per_hour", "0"),
        ("artist_cap", "0"),
        ("artist_cap", "11"),
        ("lift_songs", "0"),
        ("lift_songs", "51"),
        ("guests", "party"),
        ("neutral", "loud"),
        ("preset", "mine"),
        ("room", "kitchen"),
        ("seat", "0.5, 0.5"),
        ("seat", "2, 0, 1, 1"),
        ("seat", "0.1, 0.1, 0, 1"),
        ("seat", "-0.1, 0, 1, 1"),
        ("seat", "0, 0, 640, 480"),
        ("seat", "0, 0, 1, inf"),
        ("seat", "nan, 0, 1, 1"),
        ("seat", "a, b, c, d"),
        ("quiet_hours", "late"),
        ("quiet_hours", "25:00-26:00"),
        ("runtime", "tensorflow"),
        ("ahead", "-1"),
        ("ahead", "0"),
        ("ahead", "21"),
        ("repeat_after", "-1"),
        ("repeat_after", "43201"),
        ("hands_off", "-1"),
        ("outputs", "perhaps"),
        ("dry_run", "perhaps"),
        ("token", "s3cr€t"),
        ("token", "two words"),
    ],
)
def test_values_out_of_range_are_refused_with_a_sentence(name, text):
    with pytest.raises(ValueError, match=r".+"):
        validated(**{name: text})


@pytest.mark.parametrize(
    ("seat", "refused"), [("", {"seat"}), ("0.5, 0, 0.5, 1", set()), ("x", {"seat"})]
)
def test_a_room_that_is_a_seat_needs_one(seat, refused):
    kinds = mopidy_moodcam.Extension().get_config_schema()
    values, errors = kinds.deserialize({**defaults(), "room": "seat", "seat": seat})
    assert set(errors) == refused
    assert values["enabled"] is True


def test_the_readme_s_block_can_be_pasted_as_it_stands():
    readme = (pathlib.Path(__file__).parents[1] / "README.md").read_text()
    _, _, block = readme.partition("```ini\n")
    # so Mopidy reads its files
    parser = configparser.RawConfigParser(inline_comment_prefixes=(";",))
    parser.read_string(block.partition("```")[0])
    five = dict(parser["moodcam"])
    assert len(five) == 5
    assert Settings.from_config(validated(**five)) == Settings()


@pytest.mark.parametrize("seat", ["", "0.5, 0, 0.5, 1"])
def test_every_setting_can_be_written_down_again(seat):
    texts = {**defaults(), "seat": seat, "quiet_hours": "22:00-07:00"}
    for name, kind in schema().items():
        value = kind.deserialize(texts[name])
        for display in (True, False):
            assert isinstance(kind.serialize(value, display), str)
        assert kind.deserialize(kind.serialize(value)) == value


def test_a_wrong_choice_is_told_the_words_to_choose_from():
    with pytest.raises(ValueError, match="'match'") as error:
        validated(goal="party")
    assert "<" not in str(error.value)


def test_a_seat_is_four_numbers():
    settings = Settings.from_config(validated(seat="0.5, 0, 0.5, 1"))
    assert settings.seat == (0.5, 0.0, 0.5, 1.0)


@pytest.mark.parametrize(
    ("camera", "real"),
    [
        ("auto", True),
        ("0", True),
        ("/dev/video0", True),
        ("//dev/video0", True),
        ("rtsp://camera.local/stream", True),
        ("http://camera.local/mjpg", True),
        ("file:///dev/video0", True),
        ("file://0", True),
        ("file://rtsp://camera.local/stream", True),
        ("demo", False),
        ("demo:10", False),
        ("none", False),
        ("/home/me/clip.mp4", False),
        ("file:///home/me/clip.mp4", False),
    ],
)
def test_only_cameras_that_could_see_a_person_need_consent(camera, real):
    assert Settings(camera=camera).needs_consent is real


def test_a_link_to_a_device_needs_consent_too(tmp_path):
    link = tmp_path / "cam"
    link.symlink_to("/dev/video0")
    assert Settings(camera=str(link)).needs_consent


@pytest.mark.parametrize(
    ("camera", "shown"),
    [("rtsp://me:secret@cam/live", "rtsp://cam"), ("/dev/video0", "/dev/video0")],
)
def test_a_camera_s_password_is_not_shown_by_mopidy_config(camera, shown):
    kind = schema()["camera"]
    assert kind.serialize(camera, display=True) == shown
    assert kind.serialize(camera) == camera


def test_the_token_is_not_shown_by_mopidy_config():
    assert schema()["token"].serialize("secret", display=True) != "secret"
