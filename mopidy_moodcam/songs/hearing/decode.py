"""Sound out of any file that Mopidy plays, by GStreamer, a few windows of it.

GStreamer is what Mopidy itself plays with, so whatever is audible is readable
here. It runs in the scanner's worker processes only: a decoder that crashes or
hangs on a broken file takes down nothing but that file.
"""

from __future__ import annotations

import dataclasses
import time
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from mopidy_moodcam.songs.catalogue import GONE, NO_DECODER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

RATE = 16_000
"""Samples per second. musicnn was trained at this rate, and mood lies below 8 kHz."""

CHANNELS = 2
CANCELLED = 0.25
"""Share of the channels' power below which their mix counts as cancelled: half is left
of channels with nothing in common, next to nothing where one is inverted."""

WINDOW = 10.0
PLACES = (0.2, 0.5, 0.8)
"""Three windows of 10 s, centred there, say as much as 60 s from the middle."""

WHOLE = 40.0
"""Up to this length (s), reading all is cheaper and surer than seeking thrice."""

SHORTEST = 3.0
LONGEST = 2 * 3600.0
SILENCE = 10 ** (-66 / 20)
"""Root mean square below which a window counts as silent: -66 dBFS."""

START = 8.0
"""Seconds until a file's first sound; one with a protected stream never gives any."""

MEASURE, MEASURE_STEP = 0.5, 0.01
"""Seconds to wait for the length of a file that does not say it at once."""

PATIENCE = 20.0
"""Seconds of decoding after which a file is given up."""

_PIPELINE = (
    "uridecodebin name=source caps=audio/x-raw expose-all-streams=false"
    " ! audioconvert ! audioresample quality=2"
    f" ! audio/x-raw,format=F32LE,rate={RATE},channels={CHANNELS},"
    "layout=interleaved"
    " ! appsink name=sink sync=false max-buffers=64"
)


class Unreadable(Exception):  # noqa: N818  it is a finding about a file, not a fault
    """A file gives no features; the message is the reason, for people."""


@dataclasses.dataclass(frozen=True)
class Sound:
    """Windows of a file: mono float32 at `RATE`, and the file's length in seconds."""

    windows: tuple[NDArray[np.float32], ...]
    seconds: float


def decode(uri: str, *, clock: Callable[[], float] = time.monotonic) -> Sound:
    """Return the windows of the file at `uri` (`file:///…`), without silent ones.

    Raises `Unreadable` with the reason for a file that is missing, broken,
    protected, not audio, silent, or too short or too long for a song. Never
    holds more than `WHOLE` seconds of sound, however long the file.
    """
    with _Player(uri, clock() + PATIENCE, clock) as player:
        seconds = player.duration()
        if seconds is not None and seconds > LONGEST:
            raise Unreadable(f"longer than {LONGEST / 3600:g} hours, so not a song")
        sound = player.sound(seconds or player.estimate())
    return _audible(sound)


def _audible(sound: Sound) -> Sound:
    """Leave out silent windows, as between a last song and a hidden one."""
    heard = sum(len(window) for window in sound.windows) / RATE
    if heard < SHORTEST:
        raise Unreadable(f"shorter than {SHORTEST:g} seconds")
    windows = tuple(w for w in sound.windows if np.sqrt(_power(w)) >= SILENCE)
    if not windows:
        raise Unreadable("silent")
    return Sound(windows, sound.seconds)


def _power(samples: NDArray[np.float32]) -> float:
    return float(np.mean(np.square(samples, dtype=np.float64)))


def _mono(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mix float32 [n, 2] down to [n], or take the first channel if they cancel out."""
    mixed = samples.mean(axis=1)
    whole = _power(mixed) >= CANCELLED * _power(samples)
    return mixed if whole else samples[:, 0]


class _Player:
    """One GStreamer pipeline, from its making to its end."""

    def __init__(self, uri: str, deadline: float, clock: Callable[[], float]) -> None:
        self._gst = gstreamer()
        self._left = lambda: max(0.0, deadline - clock())
        self._pipeline: Any = self._gst.parse_launch(_PIPELINE)
        self._pipeline.get_by_name("source").set_property("uri", uri)
        self._sink: Any = self._pipeline.get_by_name("sink")

    def __enter__(self) -> Self:
        self._pipeline.set_state(self._gst.State.PAUSED)
        try:
            self._settle()
        except Unreadable:
            self._pipeline.set_state(self._gst.State.NULL)
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._pipeline.set_state(self._gst.State.NULL)

    def duration(self) -> float | None:
        """Return the length in seconds; None where the file does not tell it."""
        known, nanoseconds = self._pipeline.query_duration(self._gst.Format.TIME)
        return nanoseconds / self._gst.SECOND if known and nanoseconds > 0 else None

    def estimate(self) -> float | None:
        """Return the length that the first frames let expect, None where they do not.

        So GStreamer guesses it for MP3 without a header and for raw AAC, a moment
        after they play: far too long where they begin with silence.
        """
        self._pipeline.set_state(self._gst.State.PLAYING)
        left = min(self._left(), MEASURE)
        while (seconds := self.duration()) is None and left > 0:
            time.sleep(MEASURE_STEP)
            left -= MEASURE_STEP
        return seconds

    def sound(self, seconds: float | None) -> Sound:
        if seconds is not None and seconds > WHOLE and self._seekable():
            windows = [self._window(seconds * place) for place in PLACES]
            if all(len(window) == int(WINDOW * RATE) for window in windows):
                return Sound(tuple(windows), seconds)
            self._seek(0.0)  # it is shorter than it was said to be
        whole = self._read(WHOLE)
        heard = len(whole) / RATE
        return Sound(tuple(_cut(whole)), seconds or heard)

    def _seekable(self) -> bool:
        query = self._gst.Query.new_seeking(self._gst.Format.TIME)
        return self._pipeline.query(query) and query.parse_seeking()[1]

    def _window(self, middle: float) -> NDArray[np.float32]:
        if not self._seek(middle - WINDOW / 2):
            return np.empty(0, np.float32)
        return self._read(WINDOW)

    def _seek(self, seconds: float) -> bool:
        start = int(seconds * self._gst.SECOND)
        flags = self._gst.SeekFlags.FLUSH | self._gst.SeekFlags.KEY_UNIT
        return self._pipeline.seek_simple(self._gst.Format.TIME, flags, start)

    def _read(self, seconds: float) -> NDArray[np.float32]:
        wanted, parts = int(seconds * RATE), []
        for part in self._parts():
            parts.append(part)
            wanted -= len(part)
            if wanted <= 0:
                break
            self._hurry()
        if not parts:
            return np.empty(0, np.float32)
        samples = np.concatenate(parts)[: int(seconds * RATE)]
        # A float file may hold anything; what cannot be heard must not count.
        return _mono(np.clip(np.nan_to_num(samples, nan=0.0), -8.0, 8.0))

    def _parts(self) -> Iterator[NDArray[np.float32]]:
        self._pipeline.set_state(self._gst.State.PLAYING)
        while True:
            sample = self._sink.emit("try-pull-sample", self._gst.SECOND)
            if sample is not None:
                buffer = sample.get_buffer()
                data = buffer.extract_dup(0, buffer.get_size())
                yield np.frombuffer(data, np.float32).reshape(-1, CHANNELS)
            elif self._sink.get_property("eos"):
                return
            else:
                self._complain()

    def _settle(self) -> None:
        """Wait until the first sound has come through, or why it never will."""
        kinds = self._gst.MessageType
        message = self._pipeline.get_bus().timed_pop_filtered(
            int(min(START, self._left()) * self._gst.SECOND),
            kinds.ERROR | kinds.ASYNC_DONE | kinds.EOS,
        )
        if message is None:
            raise Unreadable(self._why_nothing())
        if message.type == kinds.ERROR:
            raise Unreadable(_reason(self._gst, *message.parse_error()))

    def _why_nothing(self) -> str:
        if self._sink.get_static_pad("sink").get_current_caps() is None:
            return "no stream in it can be decoded; it may be protected"
        return "no sound came out of it in time"

    def _complain(self) -> None:
        message = self._pipeline.get_bus().pop_filtered(self._gst.MessageType.ERROR)
        if message is not None:
            raise Unreadable(_reason(self._gst, *message.parse_error()))
        self._hurry()

    def _hurry(self) -> None:
        if not self._left():
            raise Unreadable("decoding it took too long")


def _cut(whole: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
    """Cut up to `WHOLE` seconds into windows of about `WINDOW`, none too short."""
    pieces = max(1, round(len(whole) / RATE / WINDOW))
    yield from np.array_split(whole, pieces)


def gstreamer() -> Any:  # noqa: ANN401  GObject introspection has no types
    """Load GStreamer; raises `RuntimeError` with one sentence where it is missing."""
    try:
        import gi  # noqa: PLC0415  # pyright: ignore[reportMissingImports]

        gi.require_version("Gst", "1.0")
        from gi.repository import (  # noqa: PLC0415  # pyright: ignore[reportMissingImports]
            Gst,
        )
    except (ImportError, ValueError) as error:
        raise RuntimeError(
            "Python finds no GStreamer; "
            "install the Debian packages python3-gi and gir1.2-gstreamer-1.0."
        ) from error
    Gst.init(None)
    return Gst


def _reason(gst: Any, error: Any, details: str | None) -> str:  # noqa: ANN401
    """Say in a listener's words what a GStreamer error means."""
    stream, resource = gst.StreamError, gst.ResourceError
    known = [
        (stream, stream.DECRYPT, "protected against copying"),
        (stream, stream.DECRYPT_NOKEY, "protected against copying"),
        (stream, stream.CODEC_NOT_FOUND, _no_decoder(error)),
        (gst.CoreError, gst.CoreError.MISSING_PLUGIN, _no_decoder(error)),
        (stream, stream.TYPE_NOT_FOUND, "not an audio file"),
        (stream, stream.WRONG_TYPE, "not an audio file"),
        (resource, resource.NOT_FOUND, GONE),
        (resource, resource.OPEN_READ, "the file may not be read"),
        (resource, resource.NOT_AUTHORIZED, "the file may not be read"),
    ]
    if "encrypted" in f"{error.message} {details}".lower():
        return "protected against copying"
    for domain, code, words in known:
        if error.matches(domain.quark(), code):
            return words
    return "corrupt"


def _no_decoder(error: Any) -> str:  # noqa: ANN401
    return (
        f"{NO_DECODER} ({error.message.rstrip('.')}); "
        "install gstreamer1.0-libav and scan again"
    )
