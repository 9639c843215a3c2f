"""Real sound files in every format that Mopidy plays, made for the tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from mopidy_moodcam.glossary import SongMood
from mopidy_moodcam.songs import demo_songs
from mopidy_moodcam.songs.hearing.decode import gstreamer

if TYPE_CHECKING:
    from pathlib import Path

RATE = demo_songs.RATE
ENCODERS = {
    ".wav": ("wavenc",),
    ".flac": ("flacenc",),
    ".ogg": ("vorbisenc", "oggmux"),
    ".opus": ("audioresample", "opusenc", "oggmux"),
    ".mp3": ("audioresample", "lamemp3enc bitrate=64 target=bitrate", "xingmux"),
    ".m4a": ("avenc_aac", "mp4mux"),
}


HEADERLESS = ENCODERS[".mp3"][:-1]
"""An MP3 as older programs wrote it: nothing in it says how long it is."""
RAW_AAC = ("avenc_aac", "aacparse", "audio/mpeg,stream-format=adts")


def write(
    path: Path, sound: np.ndarray, elements: tuple[str, ...] | None = None
) -> Path:
    """Write float32 [samples, channels] at `RATE` in the format of the ending."""
    gst = gstreamer()
    elements = elements or ENCODERS[path.suffix]
    named = [element.split()[0] for element in elements if "/" not in element]
    if any(gst.ElementFactory.find(element) is None for element in named):
        pytest.skip(f"GStreamer here cannot write {path.suffix}")
    sound = np.atleast_2d(np.asarray(sound, np.float32).T).T
    pipeline: Any = gst.parse_launch(
        f"appsrc name=source format=time caps=audio/x-raw,format=F32LE,rate={RATE},"
        f"channels={sound.shape[1]},layout=interleaved ! audioconvert"
        f" ! {' ! '.join(elements)} ! filesink name=sink"
    )
    pipeline.get_by_name("sink").set_property("location", str(path))
    pipeline.set_state(gst.State.PLAYING)
    source = pipeline.get_by_name("source")
    for start in range(0, len(sound), RATE):
        buffer = gst.Buffer.new_wrapped(sound[start : start + RATE].tobytes())
        buffer.pts = start * gst.SECOND // RATE
        source.emit("push-buffer", buffer)
    source.emit("end-of-stream")
    ends = gst.MessageType.EOS | gst.MessageType.ERROR
    message = pipeline.get_bus().timed_pop_filtered(60 * gst.SECOND, ends)
    pipeline.set_state(gst.State.NULL)
    assert message is not None
    assert message.type == gst.MessageType.EOS, message.parse_error()
    return path


def song(mood: SongMood = SongMood.HAPPY, seconds: float = 8.0) -> np.ndarray:
    """Return the beginning of a demo song, float32 [samples, 2]."""
    return demo_songs.compose(mood, 0)[1][: int(seconds * RATE)]


def tone(hertz: float = 440.0, seconds: float = 8.0, loud: float = 0.3) -> np.ndarray:
    """Return a sine, float32 [samples, 1]."""
    time = np.arange(int(seconds * RATE)) / RATE
    return (loud * np.sin(2 * np.pi * hertz * time)).astype(np.float32)[:, None]


def drums(per_minute: float, *, fast: bool = False, rate: int = RATE) -> np.ndarray:
    """Return ten seconds of a plain beat in four, float64 [samples].

    Bass drum and snare in turn, the hi-hat on eighths, or on sixteenths if `fast`.
    """
    rng, time = np.random.default_rng(0), np.arange(int(0.15 * rate)) / rate
    bass = np.sin(2 * np.pi * 60 * time) * np.exp(-30 * time)
    snare = 0.6 * rng.normal(size=len(time)) * np.exp(-25 * time)
    hat = 0.2 * rng.normal(size=len(time)) * np.exp(-80 * time)
    beat, sound = 60 / per_minute * rate, np.zeros(11 * rate)
    for number, start in enumerate(np.arange(0, 10 * rate, beat)):
        hits = [(0, snare if number % 2 else bass), (0, hat), (1 / 2, hat)]
        hits += [(1 / 4, 0.7 * hat), (3 / 4, 0.7 * hat)] if fast else []
        for later, hit in hits:
            at = int(start + later * beat)
            sound[at : at + len(hit)] += 0.3 * hit
    return sound[: 10 * rate]


def spoiled(data: bytes, rng: np.random.Generator) -> bytes:
    """Return a file's bytes, spoiled in one of the ways of disks and networks."""
    spoil = (_flipped, _cut_off, _zeroed, _beheaded, _doubled, _lengths_changed)
    return spoil[int(rng.integers(len(spoil)))](bytearray(data), rng)


def _flipped(data: bytearray, rng: np.random.Generator) -> bytes:
    for at in rng.integers(0, len(data), max(1, len(data) // 200)):
        data[at] ^= int(rng.integers(1, 256))
    return bytes(data)


def _cut_off(data: bytearray, rng: np.random.Generator) -> bytes:
    return bytes(data[: int(rng.integers(0, len(data)))])


def _zeroed(data: bytearray, rng: np.random.Generator) -> bytes:
    start = int(rng.integers(0, len(data)))
    end = min(len(data), start + int(rng.integers(1, len(data))))
    data[start:end] = bytes(end - start)
    return bytes(data)


def _beheaded(data: bytearray, rng: np.random.Generator) -> bytes:
    return bytes(data[int(rng.integers(1, 400)) :])


def _doubled(data: bytearray, rng: np.random.Generator) -> bytes:
    at = int(rng.integers(0, len(data)))
    return bytes(data[:at] + data[: len(data) // 2] + data[at:])


def _lengths_changed(data: bytearray, rng: np.random.Generator) -> bytes:
    """Hostile headers: sizes and counts at the beginning are huge or nought."""
    for at in rng.integers(0, min(len(data) - 4, 300), 6):
        data[at : at + 4] = rng.choice([b"\xff\xff\xff\x7f", b"\0\0\0\0", b"\xff" * 4])
    return bytes(data)
