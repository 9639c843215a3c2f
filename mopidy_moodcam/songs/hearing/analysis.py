"""A track's features from its file: a pure function from a URI to a row."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from mopidy_moodcam.resources import (
    MissingFile,
    fetch_weights,
    install,
    model_path,
    weight_path,
)
from mopidy_moodcam.songs.hearing.decode import decode
from mopidy_moodcam.songs.hearing.descriptors import describe
from mopidy_moodcam.songs.hearing.heads import (
    LEARNED,
    PLAIN,
    Heads,
    embedding_inputs,
    load_heads,
)
from mopidy_moodcam.songs.hearing.musicnn import Musicnn
from mopidy_moodcam.songs.hearing.spectrum import spectrum
from mopidy_moodcam.weights.fetch import is_intact

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mopidy_moodcam.songs.features import Features
    from mopidy_moodcam.songs.hearing.decode import Sound
    from mopidy_moodcam.songs.hearing.descriptors import Numbers


@dataclasses.dataclass(frozen=True)
class Analysed:
    """What the analysis found: features on the common scales, and the length in s."""

    features: Features
    seconds: float


class Analyser:
    """The analysis with its models loaded once.

    `why_plain` is empty, or one sentence saying why the learned network is not
    used; the descriptors alone serve then, and know little of valence. `second`
    is another opinion, whose features replace ours of the same names.
    """

    def __init__(
        self,
        *,
        learned: bool = True,
        second: Callable[[Sound], Mapping[str, float]] = lambda _sound: {},
    ) -> None:
        self._second = second
        self._network, self.why_plain = _load_network() if learned else (None, "")
        kind = LEARNED if self._network else PLAIN
        self._heads: Heads = load_heads(model_path("song_heads.json"))[kind]

    def __call__(
        self, uri: str, *, decode: Callable[[str], Sound] = decode
    ) -> Analysed:
        """Analyse the file at `uri` (`file:///…`).

        Raises `decode.Unreadable` with the reason where it gives no features.
        """
        sound = decode(uri)
        features = self._heads.features(hear(sound, self._network))
        other = self._second(sound)
        return Analysed(dataclasses.replace(features, **other), sound.seconds)


def hear(sound: Sound, network: Musicnn | None) -> Numbers:
    """Return all that the heads may read from a sound, by name."""
    windows = [spectrum(window) for window in sound.windows]
    heard = describe(windows)
    if network:
        embeddings, _ = network(window.log_mel for window in windows)
        heard |= embedding_inputs(embeddings)
    return heard


def _load_network() -> tuple[Musicnn | None, str]:
    mend = fetch_weights()
    try:
        path = weight_path("musicnn.onnx")
        if is_intact(path):  # ONNX Runtime may crash on another
            return Musicnn(path), ""
    except MissingFile:
        pass  # as for a damaged one
    except ImportError:
        mend = install("onnxruntime")
    return None, (
        "The learned network is missing or damaged, so valence is a rough guess; "
        f"run: {mend} and then scan with --force."
    )
