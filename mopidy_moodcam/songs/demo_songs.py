"""Demo songs for a newcomer without music: short pieces, made here by arithmetic.

    python -m mopidy_moodcam.songs.demo_songs FOLDER

A handful for each song mood, of 20 s, as tagged Ogg Vorbis files, the same on
each machine. They are plain but honest music: the tempo, mode, register,
articulation and timbre are what listeners hear moods by (Gabrielsson and
Lindström 2010), and the scan must find the moods in the sound like any other's;
nothing in a tag tells it.
"""

from __future__ import annotations

import dataclasses
import functools
import sys
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mopidy_moodcam.glossary import SongMood
from mopidy_moodcam.songs.hearing.decode import gstreamer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray

    Wave = NDArray[np.floating]
    Rng = np.random.Generator

RATE = 24_000
SECONDS = 20.0
TURNS = 4  # a piece is played over and over: nobody likes a new song every 20 s
SAMPLES = int(RATE * SECONDS)
BEATS = 4
"""Beats in a bar; a chord lasts a bar."""

MAJOR = (0, 2, 4, 5, 7, 9, 11)
MINOR = (0, 2, 3, 5, 7, 8, 10)
PHRYGIAN = (0, 1, 3, 5, 7, 8, 10)

ARTISTS = ("Paper Lanterns", "North Pier", "Ada & the Dots", "Low Tide", "Kiosk")


@dataclasses.dataclass(frozen=True)
class Voice:
    """How an instrument sounds.

    `partials` are the strengths of the harmonics; times in seconds; `decay` is
    how fast a note fades by itself (0: held until its end); `detune` in cents
    between two copies; `vibrato` in cents; `drive` overdrives.
    """

    partials: tuple[float, ...]
    attack: float = 0.005
    release: float = 0.05
    decay: float = 0.0
    detune: float = 0.0
    vibrato: float = 0.0
    drive: float = 0.0
    dull: float = 0.0


def _saw(count: int) -> tuple[float, ...]:
    return tuple(1 / n for n in range(1, count + 1))


RHODES = Voice((1, 0.1, 0.35, 0.05), 0.006, 0.3, 0.9, 5.0)
PAD = Voice((1, 0.5, 0.25, 0.12, 0.06), 0.7, 0.9, 0, 9.0)
STRINGS = Voice(_saw(8), 0.25, 0.4, 0, 8.0, 12.0)
BELL = Voice((1, 0, 0.4, 0, 0.15, 0, 0.08), 0.002, 0.5, 2.2)
VOICE = Voice((1, 0.6, 0.8, 0.5, 0.15, 0.25, 0.1, 0.05), 0.05, 0.08, 0, 4.0, 22.0)
CLEAN = Voice((1, 0.7, 0.5, 0.35, 0.25, 0.15, 0.1), 0.004, 0.2, 1.2, 6.0)
UKULELE = Voice((1, 0.6, 0.4, 0.3, 0.2, 0.1, 0.05), 0.002, 0.05, 5.0, 3.0)
MARIMBA = Voice((1, 0, 0, 0.35, 0, 0, 0, 0, 0.1), 0.002, 0.05, 7.0)
SUPERSAW = Voice(_saw(16), 0.004, 0.05, 1.0, 18.0)
ROUND_BASS = Voice((1, 0.4, 0.15, 0.05), 0.006, 0.05, 1.5)
SAW_BASS = Voice(_saw(12), 0.003, 0.03, 1.0, 6.0, drive=2.0)
GUITAR = Voice(_saw(14), 0.002, 0.02, 1.0, 10.0, drive=9.0)
LEAD = Voice(_saw(14), 0.004, 0.05, 0, 12.0, 20.0, drive=6.0)


@dataclasses.dataclass(frozen=True)
class Style:
    """How the songs of one mood are made; pairs are lowest and highest."""

    tempo: tuple[float, float]
    scale: tuple[int, ...]
    progressions: tuple[tuple[int, ...], ...]
    root: int
    level: float
    room: float
    play: Callable[[Piece], None]
    titles: tuple[str, ...]


def _silence() -> Wave:
    return np.zeros(SAMPLES, np.float32)


@dataclasses.dataclass
class Piece:
    """A song while it is made: what its parts are written to."""

    style: Style
    rng: Rng
    tempo: float
    root: int
    chords: tuple[int, ...]
    left: Wave = dataclasses.field(default_factory=_silence)
    right: Wave = dataclasses.field(default_factory=_silence)

    @property
    def beat(self) -> float:
        """Seconds of a beat."""
        return 60 / self.tempo

    def bars(self) -> Iterator[tuple[float, int]]:
        """Yield the start of each bar in beats, and its chord's scale degree."""
        count = int(np.ceil(SECONDS / self.beat / BEATS))
        for bar in range(count):
            yield bar * BEATS, self.chords[bar % len(self.chords)]

    def hertz(self, degree: int, octave: int = 0) -> float:
        """Return the frequency of a scale degree (0 = the root)."""
        scale = self.style.scale
        steps = scale[degree % len(scale)] + 12 * (degree // len(scale) + octave)
        return 440.0 * 2 ** ((self.root + steps - 69) / 12)

    def note(  # noqa: PLR0917  as in a score: what, how high, when, how long, how loud
        self,
        voice: Voice,
        hertz: float,
        at: float,
        length: float,
        loud: float,
        pan: float = 0.0,
    ) -> None:
        """Play a note `at` a beat for `length` beats; `pan` −1 left … 1 right."""
        late = self.rng.normal(0, 0.004) if voice.drive == 0 else 0.0
        start = max(0.0, at * self.beat + late)
        touch = loud * self.rng.uniform(0.88, 1.0)
        self.add(_tone(voice, hertz, length * self.beat) * touch, start, pan)

    def hit(self, sound: Wave, at: float, loud: float, pan: float = 0.0) -> None:
        """Play a drum at a beat."""
        self.add(sound * (loud * self.rng.uniform(0.9, 1.0)), at * self.beat, pan)

    def add(self, sound: Wave, seconds: float, pan: float) -> None:
        """Mix a sound in."""
        start = int(seconds * RATE)
        sound = sound[: max(0, SAMPLES - start)]
        self.left[start : start + len(sound)] += sound * (1 - max(0, pan))
        self.right[start : start + len(sound)] += sound * (1 + min(0, pan))


# Instruments


@functools.lru_cache(maxsize=256)  # music repeats itself
def _tone(voice: Voice, hertz: float, seconds: float) -> Wave:
    length = int((seconds + voice.release) * RATE)
    time = np.arange(length, dtype=np.float32) / RATE
    wave = _harmonics(voice, hertz * 2 ** (voice.detune / 2400), time)
    if voice.detune:
        wave += _harmonics(voice, hertz * 2 ** (-voice.detune / 2400), time)
        wave *= 0.6
    if voice.drive:
        wave = np.tanh(wave * voice.drive) / np.tanh(voice.drive)
    return wave * _envelope(voice, time, seconds)


def _harmonics(voice: Voice, hertz: float, time: Wave) -> Wave:
    phase = 2 * np.pi * hertz * time
    if voice.vibrato:
        depth = 2 ** (voice.vibrato / 1200) - 1
        phase = phase + depth * hertz / 5.2 * np.sin(2 * np.pi * 5.2 * time)
    # sin(nx) from sin((n−1)x) and sin((n−2)x): one sine for all harmonics.
    twice_cos, below, sine = 2 * np.cos(phase), np.zeros_like(phase), np.sin(phase)
    wave = np.zeros_like(phase)
    for number, strength in enumerate(voice.partials, 1):
        if number * hertz > 0.45 * RATE:
            break
        if strength:
            fade = np.exp(-voice.dull * (number - 1) * time) if voice.dull else 1.0
            wave += strength * fade * sine
        below, sine = sine, twice_cos * sine - below
    return wave


def _envelope(voice: Voice, time: Wave, seconds: float) -> Wave:
    rise = np.minimum(1.0, time / voice.attack)
    fall = np.clip((seconds + voice.release - time) / voice.release, 0.0, 1.0)
    return rise * fall * np.exp(-voice.decay * time)


def _kick(punch: float = 1.0) -> Wave:
    time = np.arange(int(0.3 * RATE), dtype=np.float32) / RATE
    phase = 2 * np.pi * (48 * time + 4.5 * punch * (1 - np.exp(-28 * time)))
    return np.sin(phase) * np.exp(-11 * time)


def _snare(rng: Rng, length: float = 0.18) -> Wave:
    time = np.arange(int(length * RATE), dtype=np.float32) / RATE
    body = np.sin(2 * np.pi * 190 * time) * np.exp(-28 * time)
    noise = rng.standard_normal(len(time), np.float32) * np.exp(-20 * time)
    return 0.5 * body + 0.45 * noise


def _hat(rng: Rng, length: float = 0.05) -> Wave:
    time = np.arange(int(length * RATE), dtype=np.float32) / RATE
    noise = rng.standard_normal(len(time) + 1, np.float32)
    return np.diff(noise) * np.exp(-3 * time / length)


# Parts that several moods share


def _chord(degree: int, size: int = 3) -> list[int]:
    return [degree + 2 * i for i in range(size)]


def _melody(piece: Piece, chord: int, steps: int) -> list[int]:
    """Return a walk over the scale that touches chord notes on strong steps."""
    at, walk = chord + int(piece.rng.choice([0, 2, 4])), []
    for step in range(steps):
        if step % 2 == 0:
            near = [d + 7 * o for d in _chord(chord) for o in (-1, 0, 1)]
            at = min(near, key=lambda d: abs(d - at) + piece.rng.uniform(0, 2))
        else:
            at += int(piece.rng.choice([-1, 1, 1, 2]))
        walk.append(int(np.clip(at, -2, 12)))
    return walk


# How each mood is played


def _play_happy(piece: Piece) -> None:
    lead = (UKULELE, MARIMBA)[int(piece.rng.integers(2))]
    snare, hat = _snare(piece.rng, 0.12), _hat(piece.rng)
    for bar, chord in piece.bars():
        for beat in range(BEATS):
            piece.note(ROUND_BASS, piece.hertz(chord, -2), bar + beat, 0.4, 0.5)
            for degree in _chord(chord):
                piece.note(
                    UKULELE, piece.hertz(degree), bar + beat + 0.5, 0.3, 0.2, -0.3
                )
            piece.hit(_kick(), bar + beat, 0.7 if beat % 2 == 0 else 0.0)
            piece.hit(snare, bar + beat, 0.6 if beat % 2 else 0.0)
            piece.hit(hat, bar + beat + 0.5, 0.3, 0.4)
        for step, degree in enumerate(_melody(piece, chord, 8)):
            if piece.rng.random() < 0.8:
                hertz = piece.hertz(degree, 1)
                piece.note(lead, hertz, bar + step / 2, 0.4, 0.4, 0.2)


def _play_energetic(piece: Piece) -> None:
    clap, hat, open_hat = (_snare(piece.rng), _hat(piece.rng), _hat(piece.rng, 0.15))
    for bar, chord in piece.bars():
        for beat in range(BEATS):
            piece.hit(_kick(1.4), bar + beat, 0.95)
            piece.hit(open_hat, bar + beat + 0.5, 0.14, 0.3)
            piece.hit(clap, bar + beat, 0.4 if beat % 2 else 0.0)
            for quarter in range(4):
                at = bar + beat + quarter / 4
                piece.hit(hat, at, 0.08, -0.3)
                if quarter:
                    piece.note(SAW_BASS, piece.hertz(chord, -2), at, 0.2, 0.3)
        for at in (0, 0.75, 1.5, 2.5, 3.25):
            for degree in _chord(chord):
                piece.note(SUPERSAW, piece.hertz(degree), bar + at, 0.35, 0.24)
        for step, degree in enumerate(_melody(piece, chord, 8)):
            piece.note(SUPERSAW, piece.hertz(degree), bar + step / 2, 0.4, 0.12, 0.2)


def _play_romantic(piece: Piece) -> None:
    snare, hat = _snare(piece.rng, 0.14), _hat(piece.rng, 0.06)
    for bar, chord in piece.bars():
        _slow_bass(piece, chord, bar)
        for step in range(8):
            for degree in _chord(chord, 3 + step % 2):
                piece.note(RHODES, piece.hertz(degree), bar + step / 2, 0.6, 0.18, -0.3)
            piece.hit(hat, bar + step / 2, 0.12, 0.3)
        for degree in _chord(chord):
            piece.note(STRINGS, piece.hertz(degree), bar, BEATS, 0.03, 0.3)
        for beat in range(BEATS):
            piece.hit(
                *((_kick(0.8), bar + beat, 0.5), (snare, bar + beat, 0.3))[beat % 2]
            )
        line = zip(_melody(piece, chord, 5), (0, 0.5, 1, 2, 2.5), strict=True)
        for degree, at in line:
            piece.note(VOICE, piece.hertz(degree), bar + at, 0.9, 0.4, 0.1)


def _slow_bass(piece: Piece, chord: int, bar: float) -> None:
    for at, step, length in ((0, 0, 1.4), (1.5, 4, 0.45), (2, 0, 1.4), (3.5, 4, 0.45)):
        piece.note(ROUND_BASS, piece.hertz(chord + step, -2), bar + at, length, 0.5)


def _play_calm(piece: Piece) -> None:
    for bar, chord in piece.bars():
        for degree in (chord - 7, chord - 3, chord, chord + 4, chord + 8):
            side = float(piece.rng.uniform(-0.6, 0.6))
            piece.note(PAD, piece.hertz(degree), bar, BEATS, 0.12, side)
        for step in piece.rng.choice(8, 3, replace=False):
            degree = chord + int(piece.rng.choice([0, 4, 7, 9]))
            side = float(piece.rng.uniform(-0.7, 0.7))
            piece.note(BELL, piece.hertz(degree, 1), bar + step / 2, 2, 0.1, side)


def _play_sad(piece: Piece) -> None:
    snare, hat = _snare(piece.rng, 0.2), _hat(piece.rng, 0.06)
    for bar, chord in piece.bars():
        piece.note(ROUND_BASS, piece.hertz(chord, -2), bar, 3.6, 0.4)
        for step, degree in enumerate((0, 4, 7, 9, 7, 4, 7, 4)):
            hertz = piece.hertz(chord + degree, -1)
            piece.note(CLEAN, hertz, bar + step / 2, 1.2, 0.25, 0.2)
            piece.hit(hat, bar + step / 2, 0.08, 0.3)
        for degree in (chord, chord + 4, chord + 7):
            piece.note(STRINGS, piece.hertz(degree, -1), bar, BEATS, 0.06, -0.2)
        for at in (0, 2.5):
            piece.hit(_kick(0.8), bar + at, 0.8)
        for at in (1, 3):
            piece.hit(snare, bar + at, 0.45)
        line = zip(_melody(piece, chord, 3), (0, 2, 3), (1.9, 0.9, 0.95), strict=True)
        for degree, at, length in line:
            piece.note(LEAD, piece.hertz(degree), bar + at, length, 0.02)


def _play_intense(piece: Piece) -> None:
    snare, crash = _snare(piece.rng, 0.25), _hat(piece.rng, 1.2)
    hat = _hat(piece.rng, 0.08)
    for bar, chord in piece.bars():
        piece.hit(crash, bar, 0.35, 0.4)
        for quarter in range(4 * BEATS):
            at = bar + quarter / 4
            _power_chord(piece, chord, at)
            if quarter % 2 == 0:
                piece.hit(hat, at, 0.3, 0.4)
            if quarter % 2 == 0 or quarter % 8 == 7:
                piece.hit(_kick(1.8), at, 0.9)
        for beat in (1, 3):
            piece.hit(snare, bar + beat, 1.1)
        for step, degree in enumerate(_melody(piece, chord, 8)):
            piece.note(LEAD, piece.hertz(degree, 1), bar + step / 2, 0.45, 0.16, 0.1)


def _power_chord(piece: Piece, chord: int, at: float) -> None:
    for side in (-0.8, 0.8):
        root = piece.hertz(chord, -2) * 2 ** (side / 300)
        for times, loud in ((1, 0.3), (1.5, 0.22), (2, 0.2)):
            piece.note(GUITAR, root * times, at, 0.2, loud, side)


# In the order of `Style`.
STYLES: Mapping[SongMood, Style] = {
    SongMood.HAPPY: Style(
        (122, 134),
        MAJOR,
        ((0, 4, 5, 3), (0, 3, 4, 3), (0, 5, 3, 4)),
        62,
        0.3,
        0.08,
        _play_happy,
        (
            "Bicycle Bell",
            "Orange Kites",
            "Seven Puddles",
            "Market Day",
            "Socks on Sunday",
        ),
    ),
    SongMood.ENERGETIC: Style(
        (128, 140),
        MINOR,
        ((0, 5, 2, 6), (0, 3, 5, 6), (0, 0, 5, 6)),
        54,
        0.2,
        0.05,
        _play_energetic,
        (
            "Night Train Dash",
            "Power Station",
            "Hundred Metres",
            "Red Line",
            "Switchboard",
        ),
    ),
    SongMood.ROMANTIC: Style(
        (94, 106),
        MAJOR,
        ((0, 5, 1, 4), (0, 3, 1, 4), (3, 4, 2, 5)),
        57,
        0.2,
        0.12,
        _play_romantic,
        (
            "Two Umbrellas",
            "Your Handwriting",
            "Balcony in June",
            "Slow Ferry",
            "Last Dance but One",
        ),
    ),
    SongMood.CALM: Style(
        (50, 62),
        MAJOR,
        ((0, 3), (0, 4, 3, 3), (0, 1)),
        60,
        0.04,
        0.4,
        _play_calm,
        (
            "Snow on the Lake",
            "Long Exposure",
            "Tea at Four",
            "Moss",
            "The Tide Goes Out",
        ),
    ),
    SongMood.SAD: Style(
        (62, 72),
        MINOR,
        ((0, 5, 3, 4), (0, 3, 5, 4), (0, 6, 5, 4)),
        57,
        0.14,
        0.15,
        _play_sad,
        (
            "Empty Platform",
            "Unsent Letter",
            "House for Sale",
            "Grey Window",
            "After the Call",
        ),
    ),
    SongMood.INTENSE: Style(
        (176, 196),
        PHRYGIAN,
        ((0, 1, 0, 5), (0, 0, 1, 3), (0, 5, 1, 1)),
        52,
        0.4,
        0.03,
        _play_intense,
        ("Iron Gate", "Black Squall", "Teeth", "Siege Engine", "Furnace Door"),
    ),
}


def compose(mood: SongMood, number: int) -> tuple[str, Wave]:
    """Return title and sound, float32 [samples, 2], of one turn; always the same."""
    style = STYLES[mood]
    title = style.titles[number]
    rng = np.random.default_rng(zlib.crc32(title.encode()))
    piece = Piece(
        style,
        rng,
        tempo=float(rng.uniform(*style.tempo)),
        root=style.root + int(rng.integers(-4, 4)),
        chords=style.progressions[number % len(style.progressions)],
    )
    style.play(piece)
    return title, _mastered(piece)


def _mastered(piece: Piece) -> Wave:
    """Add the room, bring to the mood's level, fade in and out."""
    tail = piece.rng.standard_normal((int(1.2 * RATE), 2))
    tail *= np.exp(-5 * np.arange(len(tail)) / RATE)[:, None] / np.sqrt(RATE / 10)
    tail = tail.astype(np.float32)
    dry = np.stack([piece.left, piece.right], axis=1)
    wet = np.stack([_convolved(dry[:, i], tail[:, i]) for i in (0, 1)], axis=1)
    mixed = dry + piece.style.room * wet
    mixed *= piece.style.level / np.sqrt(np.mean(mixed**2))
    time = np.arange(SAMPLES) / RATE
    fade = np.minimum(1, np.minimum(time / 0.02, (SECONDS - time) / 1.5))
    return (np.tanh(mixed * 1.2) / 1.2 * fade[:, None]).astype(np.float32)


def _convolved(dry: Wave, tail: NDArray[np.float64]) -> NDArray[np.float64]:
    size = -(-(len(dry) + len(tail)) // 8192) * 8192  # few small factors: fast
    product = np.fft.rfft(dry, size) * np.fft.rfft(tail, size)
    return np.fft.irfft(product, size)[: len(dry)]


def write(folder: Path) -> list[Path]:
    """Write the songs that `folder` lacks; return the paths of all of them."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for mood, style in STYLES.items():
        for number, title in enumerate(style.titles):
            path = folder / f"{title}.ogg"
            if not path.exists():
                sound = np.tile(compose(mood, number)[1], (TURNS, 1))
                _write(path, sound, title, ARTISTS[number])
            paths.append(path)
    return paths


_PIPELINE = (
    f"appsrc name=source format=time caps=audio/x-raw,format=F32LE,rate={RATE},"
    "channels=2,layout=interleaved"
    " ! audioconvert ! vorbisenc name=encoder quality=0.5 ! oggmux"
    " ! filesink name=sink"
)


def _write(path: Path, sound: Wave, title: str, artist: str) -> None:
    gst = gstreamer()
    partial = path.with_suffix(".part")
    pipeline: Any = gst.parse_launch(_PIPELINE)
    tags = gst.TagList.new_from_string(
        f'taglist, title=(string)"{title}", artist=(string)"{artist}",'
        ' album=(string)"Demo songs", genre=(string)"Demo"'
    )
    # By its interface: where GstAudio is loaded, encoders have a method of that
    # name themselves, and forget its tags when they start.
    encoder = pipeline.get_by_name("encoder")
    gst.TagSetter.merge_tags(encoder, tags, gst.TagMergeMode.REPLACE)
    pipeline.get_by_name("sink").set_property("location", str(partial))
    pipeline.set_state(gst.State.PLAYING)
    _push(gst, pipeline.get_by_name("source"), sound)
    kinds = gst.MessageType
    message = pipeline.get_bus().timed_pop_filtered(
        30 * gst.SECOND, kinds.EOS | kinds.ERROR
    )
    pipeline.set_state(gst.State.NULL)
    if message is None or message.type == kinds.ERROR:
        raise OSError(f"{str(path)!r} cannot be written.")
    partial.replace(path)


def _push(gst: Any, source: Any, sound: Wave) -> None:  # noqa: ANN401
    # A second at a time: libvorbis copies a buffer to its stack, which is small.
    for start in range(0, len(sound), RATE):
        buffer = gst.Buffer.new_wrapped(sound[start : start + RATE].tobytes())
        buffer.pts = start * gst.SECOND // RATE
        source.emit("push-buffer", buffer)
    source.emit("end-of-stream")


if __name__ == "__main__":
    for made in write(Path(sys.argv[1])):
        print(made)  # noqa: T201
