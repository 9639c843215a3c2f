from __future__ import annotations

import wave
from itertools import count

import numpy as np
import pytest

from mopidy_moodcam.songs.catalogue import GONE, NO_DECODER
from mopidy_moodcam.songs.hearing.decode import RATE, WHOLE, Unreadable, decode
from tests.songs import sound_files


@pytest.mark.parametrize("ending", sound_files.ENCODERS)
def test_every_format_that_mopidy_plays_is_read_alike(tmp_path, ending):
    path = sound_files.write(tmp_path / f"song{ending}", sound_files.tone(1000.0))
    sound = decode(path.as_uri())
    heard = np.concatenate(sound.windows)
    assert len(heard) / RATE == pytest.approx(8.0, abs=0.15)
    spectrum = np.abs(np.fft.rfft(heard))
    assert spectrum.argmax() * RATE / len(heard) == pytest.approx(1000, abs=2)
    assert np.sqrt(np.mean(heard**2)) == pytest.approx(0.3 / np.sqrt(2), rel=0.1)


@pytest.mark.parametrize(
    ("name", "elements"),
    [("long.flac", None), ("without a length.mp3", sound_files.HEADERLESS)],
)
def test_a_long_file_is_read_in_three_windows_at_their_places(tmp_path, name, elements):
    # A tone per ten seconds tells where a window was taken.
    parts = [sound_files.tone(200.0 * (1 + i), 10.0) for i in range(20)]
    path = sound_files.write(tmp_path / name, np.concatenate(parts), elements)
    sound = decode(path.as_uri())
    assert sound.seconds == pytest.approx(200.0, abs=1.0)
    assert [len(window) for window in sound.windows] == [10 * RATE] * 3
    middles = [window[4 * RATE : 4 * RATE + 8192] for window in sound.windows]
    pitches = [np.abs(np.fft.rfft(middle)).argmax() * RATE / 8192 for middle in middles]
    assert pitches == pytest.approx([800, 2000, 3200], abs=205)


def test_silence_between_a_song_and_a_hidden_one_is_not_heard(tmp_path):
    song, silence = sound_files.tone(seconds=40.0), sound_files.tone(loud=0.0)
    whole = np.concatenate([song, *[silence] * 5, song])
    sound = decode(sound_files.write(tmp_path / "last.flac", whole).as_uri())
    assert sound.seconds == pytest.approx(120.0, abs=1.0)
    assert [np.ptp(window) > 0.5 for window in sound.windows] == [True, True]


@pytest.mark.parametrize("right", [-1.0, -0.5, 0.0])
def test_a_song_with_an_inverted_or_a_dead_channel_is_heard(tmp_path, right):
    tone = sound_files.tone()
    path = tmp_path / "song.flac"
    sound_files.write(path, np.hstack([tone, right * tone]))
    assert np.concatenate(decode(path.as_uri()).windows).max() >= 0.14


@pytest.mark.parametrize("lead", [0.5, 2.0])
def test_a_file_whose_length_is_guessed_far_too_long_is_heard_all_the_same(
    tmp_path, lead
):
    silence = np.zeros((int(lead * sound_files.RATE), 2), np.float32)
    noise = np.random.default_rng(1).normal(0, 0.1, (120 * sound_files.RATE, 2))
    whole = np.concatenate([silence, noise.astype(np.float32)])
    path = sound_files.write(tmp_path / "raw.aac", whole, sound_files.RAW_AAC)
    sound = decode(path.as_uri())
    assert sum(len(window) for window in sound.windows) >= 29 * RATE


def test_three_hours_cost_no_more_memory_than_a_minute(tmp_path):
    path = tmp_path / "hour.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        noise = np.random.default_rng(1).integers(-9999, 9999, 8000 * 60, np.int16)
        for _ in range(60):
            file.writeframes(noise.tobytes())
    sound = decode(path.as_uri())
    assert sum(len(window) for window in sound.windows) <= WHOLE * RATE
    assert sound.seconds == pytest.approx(3600, abs=1)


def _text(path):
    path.write_text("no music")


def _empty(path):
    path.touch()


def _silent(path):
    sound_files.write(path, sound_files.tone(loud=1e-5))


def _short(path):
    sound_files.write(path, sound_files.tone(seconds=1.0))


def _long(path):
    # Sparse: a header for three hours of sound, and no disk space.
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 1, 8000, 0, "NONE", ""))
        file.writeframes(b"\x80" * 8000)
    data = bytearray(path.read_bytes())
    size = 3 * 3600 * 8000
    data[4:8] = (size + 36).to_bytes(4, "little")
    data[40:44] = size.to_bytes(4, "little")
    path.write_bytes(data)
    with path.open("r+b") as file:
        file.truncate(size + 44)


def _missing(_path):
    pass


@pytest.mark.parametrize(
    ("make", "ending", "reason"),
    [
        (_text, ".mp3", "not an audio file"),
        (_empty, ".mp3", "not an audio file"),
        (_silent, ".flac", "silent"),
        (_short, ".ogg", "shorter than 3 seconds"),
        (_long, ".wav", "longer than 2 hours, so not a song"),
        (_missing, ".ogg", GONE),
    ],
)
def test_a_file_without_a_song_in_it_gets_its_reason(tmp_path, make, ending, reason):
    path = tmp_path / f"file{ending}"
    make(path)
    with pytest.raises(Unreadable, match=f"^{reason}$"):
        decode(path.as_uri())


def test_a_protected_file_is_named_so(tmp_path):
    path = sound_files.write(tmp_path / "song.m4a", sound_files.tone())
    data = path.read_bytes()
    assert b"mp4a" in data
    path.write_bytes(data.replace(b"mp4a", b"drms", 1))  # as in the iTunes Store's
    with pytest.raises(Unreadable, match="protected"):
        decode(path.as_uri())


def test_a_file_without_a_decoder_says_what_brings_one(tmp_path):
    path = sound_files.write(tmp_path / "song.m4a", sound_files.tone())
    path.write_bytes(path.read_bytes().replace(b"mp4a", b"zzzz", 1))
    with pytest.raises(Unreadable, match=rf"^{NO_DECODER} .*-libav and scan again$"):
        decode(path.as_uri())


def test_odd_characters_in_a_name_do_not_matter(tmp_path):
    path = sound_files.write(tmp_path / "50% öl #1?.ogg", sound_files.tone())
    assert decode(path.as_uri()).windows


def test_numbers_that_are_none_are_not_heard(tmp_path):
    sound = sound_files.tone()
    sound[10_000:10_100] = np.nan
    sound[60_000] = np.inf
    path = sound_files.write(tmp_path / "song.wav", sound)
    assert all(np.isfinite(window).all() for window in decode(path.as_uri()).windows)


def test_a_file_that_takes_too_long_is_given_up(tmp_path):
    path = sound_files.write(tmp_path / "song.ogg", sound_files.tone())
    ticks = count(0.0, 15.0)
    with pytest.raises(Unreadable, match=r"too long|in time"):
        decode(path.as_uri(), clock=lambda: next(ticks))
