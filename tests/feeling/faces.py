"""Answers such as the expression network gives, for tests of this room."""

from mopidy_moodcam.glossary import EXPRESSIONS

USUAL = (0.09, 0.01, 0.03, 0.26, 0.12, 0.13, 0.36)
"""Shares of the expressions among the network's answers."""


def shows(expression, share=0.9):
    """Return seven probabilities: `share` for one, the rest by the usual shares."""
    rest = {e: u for e, u in zip(EXPRESSIONS, USUAL, strict=True) if e != expression}
    scale = (1 - share) / sum(rest.values())
    return tuple(
        share if name == expression else rest[name] * scale for name in EXPRESSIONS
    )
