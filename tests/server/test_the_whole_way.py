"""From a mood to songs in the queue, as a person with an MPD client sees it."""

from __future__ import annotations

from tests.server.conftest import moods_of


def test_a_mood_brings_its_songs_into_the_queue(serve):
    server = serve()
    assert server.queue() == []
    server.feel("happy")
    queue = server.wait_for_queue(lambda q: len(q) == 2, "two picks")
    assert moods_of(queue) == {"happy"}
