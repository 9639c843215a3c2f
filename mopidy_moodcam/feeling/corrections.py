"""What a person says of the mood shown, and what that teaches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mopidy_moodcam.glossary import EXPRESSIONS, UNKNOWN

if TYPE_CHECKING:
    from mopidy_moodcam.glossary import Mood

RIGHT, WRONG, CONCENTRATING = "right", "wrong", "concentrating"
VERDICTS = (RIGHT, WRONG, CONCENTRATING, *EXPRESSIONS)
"""What may be said of a mood shown; `concentrating` means neutral."""

NEEDED = 3  # in the same direction, before anything is learnt
STEP = 0.75  # logits for the third and every further one
LIMIT = 2.0  # logits an expression can be shifted by corrections in all
FRESH = 2.0  # logits that one correction is worth right after it was given
FRESH_HALVES = 600.0  # seconds after which half of that is left
MOST = 50  # corrections counted in one direction


def meant(verdict: str) -> str:
    """Return the expression a verdict names, or the verdict itself."""
    return "neutral" if verdict == CONCENTRATING else verdict


class Corrections:
    """Counts of corrections by direction: from the mood shown to what it was.

    A direction is (shown, said); said is an expression, or `wrong` where the
    person only took back what was shown. From the third in a direction on the
    reading is shifted away from the one and towards the other. `right` takes
    one off every direction that leads away from the mood shown. Besides, the
    newest correction counts at once and fades, so that a tap is not undone by
    the next reading.
    """

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str], int] = {}
        self._fresh: tuple[str, str] | None = None
        self._fresh_since = 0.0

    def record(self, verdict: str, shown: Mood, now: float) -> None:
        """Take a verdict (one of `VERDICTS`) on the mood shown at time `now`.

        Raises `ValueError` with one sentence for a word that is no verdict.
        """
        if verdict not in VERDICTS:
            raise ValueError(
                f"{verdict!r} is no correction; known: {', '.join(VERDICTS)}."
            )
        said = meant(verdict)
        if said in {RIGHT, shown.label}:
            self._confirm(shown.label)
        elif not (said == WRONG and shown.label == UNKNOWN):
            self._count((shown.label, said), now)

    def offset(self, now: float) -> tuple[float, ...]:
        """Return seven logits to add to a reading at time `now`, each within ±2."""
        total: dict[str, float] = dict.fromkeys(EXPRESSIONS, 0.0)
        for direction, strength in self._strengths(now):
            _push(total, direction, strength)
        return tuple(min(LIMIT, max(-LIMIT, total[name])) for name in EXPRESSIONS)

    def words(self) -> tuple[str, ...]:
        """Return one sentence for each direction, learnt or not yet."""
        return tuple(_sentence(*key, n) for key, n in sorted(self._counts.items()))

    def forget(self) -> None:
        """Reset everything that was learnt."""
        self._counts.clear()
        self._fresh = None

    def to_json(self) -> dict[str, Any]:
        """Return the counts ready for JSON; a fresh correction is not kept."""
        return {
            "corrections": [
                {"shown": shown, "said": said, "times": times}
                for (shown, said), times in sorted(self._counts.items())
            ]
        }

    @classmethod
    def from_json(cls, data: object) -> Corrections:
        """Read what `to_json` wrote; what cannot be read is left out."""
        corrections = cls()
        rows = data.get("corrections") if isinstance(data, dict) else None
        for row in rows if isinstance(rows, list) else ():
            corrections._restore(row)
        return corrections

    def _restore(self, row: object) -> None:
        if not isinstance(row, dict):
            return
        shown, said, times = row.get("shown"), row.get("said"), row.get("times")
        known = shown in (*EXPRESSIONS, UNKNOWN) and said in (*EXPRESSIONS, WRONG)
        if known and isinstance(times, int) and 0 < times <= MOST:
            self._counts[str(shown), str(said)] = times

    def _confirm(self, label: str) -> None:
        self._fresh = None
        for direction in [key for key in self._counts if key[0] == label]:
            self._counts[direction] -= 1
            if self._counts[direction] == 0:
                del self._counts[direction]

    def _count(self, direction: tuple[str, str], now: float) -> None:
        self._counts[direction] = min(MOST, self._counts.get(direction, 0) + 1)
        self._fresh, self._fresh_since = direction, now

    def _strengths(self, now: float) -> list[tuple[tuple[str, str], float]]:
        learnt = [
            (direction, STEP * (times - NEEDED + 1))
            for direction, times in self._counts.items()
            if times >= NEEDED
        ]
        if self._fresh is not None:
            age = max(0.0, now - self._fresh_since)
            learnt.append((self._fresh, FRESH * 0.5 ** (age / FRESH_HALVES)))
        return learnt


def _push(total: dict[str, float], direction: tuple[str, str], strength: float) -> None:
    shown, said = direction
    if shown in total:
        total[shown] -= strength
    if said in total:
        total[said] += strength


def _sentence(shown: str, said: str, times: int) -> str:
    truth = f"not {shown}" if said == WRONG else said
    often = {1: "once", 2: "twice"}.get(times, f"{times} times")
    return f"Shown {shown}, you said {truth} {often}: {_effect(shown, said, times)}."


def _effect(shown: str, said: str, times: int) -> str:
    if times < NEEDED:
        return "too few to learn from"
    if shown == UNKNOWN:
        return f"{said} is read more readily"
    less = f"{shown} is read less readily"
    return less if said == WRONG else f"{less}, {said} more"
