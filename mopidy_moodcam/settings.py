"""The settings: what each may be, and as one typed value for the rest of the code."""

from __future__ import annotations

import dataclasses
import pathlib
import re
from typing import TYPE_CHECKING, Any, Literal

from mopidy import config

from mopidy_moodcam.feeling.hours import QuietHours
from mopidy_moodcam.glossary import Goal
from mopidy_moodcam.seeing.devices import location, without_secrets

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """The section `moodcam` of Mopidy's configuration, typed.

    Times are seconds, `repeat_after` is minutes. `seat` is left, top, width,
    height as fractions of the picture, or empty.
    """

    camera: str = "auto"
    watch: Literal["playing", "always"] = "playing"
    goal: Goal = Goal.MATCH
    household: int = 4
    autostart: bool = False
    interval: int = 20
    runtime: Literal["auto", "torchscript", "onnx"] = "auto"
    room: Literal["majority", "calmest", "seat"] = "majority"
    seat: tuple[float, ...] = ()
    guests: Literal["wait", "ignore"] = "wait"
    dwell: int = 30
    changes_per_hour: int = 12
    neutral: Literal["keep", "calm", "any"] = "keep"
    preset: Literal["default", "original"] = "default"
    lift_songs: int = 5
    ahead: int = 2
    repeat_after: int = 120
    artist_cap: int = 2
    hands_off: int = 300
    quiet_hours: str = ""
    dry_run: bool = False
    outputs: bool = True
    token: str = ""
    spotify_client_id: str = ""
    spotify_audio_features: bool = False

    @property
    def needs_consent(self) -> bool:
        """Whether `camera` is one that could see a real person."""
        camera = location(self.camera)
        if camera.isdigit() or camera == "auto" or "://" in camera:
            return True
        return pathlib.Path("/dev") in pathlib.Path(camera).resolve().parents

    @classmethod
    def from_config(cls, section: Mapping[str, Any]) -> Settings:
        """Take over a validated section; missing and empty values keep defaults."""
        values: dict[str, Any] = {}
        for field in dataclasses.fields(cls):
            value = section.get(field.name)
            if value is not None:
                values[field.name] = value
        values["goal"] = Goal(values.get("goal", "match"))
        return cls(**values)


class _Camera(config.String):
    """A source of frames; a URL may hold a password, so it is shown without."""

    def serialize(self, value: Any, display: bool = False) -> str:  # noqa: ANN401
        shown = without_secrets(value) if display and value else value
        return super().serialize(shown, display)


class _QuietHours(config.String):
    """Ranges of the day; checked when Mopidy reads its configuration."""

    def deserialize(self, value: Any) -> Any:  # noqa: ANN401
        text = super().deserialize(value)
        QuietHours.parse(text or "")
        return text


class _Seat(config.String):
    """A region of the picture: left, top, width, height, each 0 … 1."""

    def deserialize(self, value: Any) -> Any:  # noqa: ANN401
        text = super().deserialize(value)
        if not text:
            return ()
        try:
            left, top, width, height = (float(part) for part in text.split(","))
        except ValueError:
            left = top = width = height = -1.0
        starts = all(0 <= start < 1 for start in (left, top))
        if not (starts and all(0 < size <= 1 for size in (width, height))):
            raise ValueError(
                f"{text!r} is no region; give left, top, width and height "
                "between 0 and 1, such as 0.5, 0, 0.5, 1."
            )
        return left, top, width, height

    def serialize(self, value: Any, display: bool = False) -> str:  # noqa: ANN401
        text = ", ".join(f"{part:g}" for part in value or ())
        return super().serialize(text, display)


class _Token(config.Secret):
    """What a browser can send in a header."""

    def deserialize(self, value: Any) -> Any:  # noqa: ANN401
        text = super().deserialize(value)
        if text and not re.fullmatch("[!-~]+", text):
            raise ValueError(
                "A token may hold only ASCII letters, digits and signs, and no spaces."
            )
        return text


class Schema(config.ConfigSchema):
    """The section `moodcam`: each setting by itself, and what two say together."""

    def deserialize(self, values: Any) -> tuple[Any, Any]:  # noqa: ANN401
        """Return the values and, by setting, a sentence for each that is wrong."""
        result, errors = super().deserialize(values)
        if result.get("room") == "seat" and result.get("seat") == ():
            errors["seat"] = (
                "room = seat needs a seat: give left, top, width and height between "
                "0 and 1, such as 0.5, 0, 0.5, 1, or set room = majority."
            )
        return result, errors


def schema() -> dict[str, Any]:
    """Return the type of every setting for Mopidy's own validation."""
    choice = lambda *words: config.String(choices=list(words))  # noqa: E731
    return {
        "camera": _Camera(),
        "watch": choice("playing", "always"),
        "goal": choice(*(goal.value for goal in Goal)),
        "household": config.Integer(minimum=1, maximum=50),
        "autostart": config.Boolean(),
        "interval": config.Integer(minimum=2, maximum=3600),
        "runtime": choice("auto", "torchscript", "onnx"),
        "room": choice("majority", "calmest", "seat"),
        "seat": _Seat(optional=True),
        "guests": choice("wait", "ignore"),
        "dwell": config.Integer(minimum=0, maximum=3600),
        "changes_per_hour": config.Integer(minimum=1, maximum=3600),
        "neutral": choice("keep", "calm", "any"),
        "preset": choice("default", "original"),
        "lift_songs": config.Integer(minimum=1, maximum=50),
        "ahead": config.Integer(minimum=1, maximum=20),
        "repeat_after": config.Integer(minimum=0, maximum=43_200),
        "artist_cap": config.Integer(minimum=1, maximum=10),
        "hands_off": config.Integer(minimum=0),
        "quiet_hours": _QuietHours(optional=True),
        "dry_run": config.Boolean(),
        "outputs": config.Boolean(),
        "token": _Token(optional=True),
        "spotify_client_id": config.String(optional=True),
        "spotify_audio_features": config.Boolean(),
    }
