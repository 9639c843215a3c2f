"""The only calls of core, beside a real core whose backend plays nothing."""

import time
import types

import pykka
import pytest
from mopidy import backend
from mopidy.core import Core
from mopidy.models import Track

from mopidy_moodcam import player as players
from mopidy_moodcam.player import LOOKUP_TIMEOUT, LateError, Player, PlayerAwayError


class Songs(pykka.ThreadingActor, backend.Backend):
    """Knows every URI of the scheme `test` but those of songs that are gone."""

    uri_schemes = ("test",)

    def __init__(self):
        super().__init__()
        self.library = Library(self)


class Library(backend.LibraryProvider):
    def lookup(self, uri):
        if "slow" in uri:
            time.sleep(0.2)
        uri = uri.replace("alias", "name")
        return [] if "gone" in uri else [Track(uri=uri, length=1000)]


@pytest.fixture
def core(tmp_path):
    settings = {
        "data_dir": str(tmp_path),
        "max_tracklist_length": 3,
        "restore_state": False,
    }
    songs = Songs.start().proxy()
    core = Core.start({"core": settings}, mixer=None, backends=[songs], audio=None)
    yield core.proxy()
    pykka.ActorRegistry.stop_all(timeout=5)


@pytest.fixture
def player(core):
    return Player(core, max_length=3)


def put(player, *names):
    return [player.add(f"test:{name}") for name in names]


def test_a_track_is_put_at_the_end_and_known_by_its_tlid_and_the_backends_uri(player):
    one, two = put(player, "a", "alias")
    assert player.queue().entries == (one, two)
    assert (one[1], two[1]) == ("test:a", "test:name")


def test_a_track_that_comes_late_is_known_when_it_is_there(player, monkeypatch):
    monkeypatch.setattr(players, "LOOKUP_TIMEOUT", 0.01)
    with pytest.raises(LateError) as late:
        player.add("test:slow")
    with pytest.raises(PlayerAwayError):
        late.value.entry()
    assert player.queue().entries == (late.value.entry(),)


def test_what_mopidy_does_not_take_is_none(player):
    assert put(player, "gone") == [None]
    assert player.add("no uri at all") is None
    assert all(put(player, "a", "b", "c"))
    assert put(player, "d") == [None]
    assert len(player.queue().entries) == 3


def test_removing_nothing_removes_nothing(player):
    put(player, "a")
    player.remove(())
    assert len(player.queue().entries) == 1


def test_only_the_tracks_named_are_removed(player):
    one, two = put(player, "a", "b")
    player.remove([one[0]])
    assert player.queue().entries == (two,)


SWITCHES = ("random", "consume", "single", "repeat")


@pytest.mark.parametrize("switch", SWITCHES)
def test_each_switch_is_read_as_itself(core, player, switch):
    getattr(core.tracklist, f"set_{switch}")(True).get()
    queue = player.queue()
    assert [name for name in SWITCHES if getattr(queue, name)] == [switch]
    assert (queue.playback, queue.current, queue.max_length) == ("stopped", None, 3)


def test_under_random_another_is_drawn_where_the_current_one_would_be_next(
    core, player
):
    put(player, "a", "b", "c")
    core.tracklist.set_random(True).get()
    current = core.tracklist.get_next_tlid().get()
    player.draw_another(current)
    assert core.tracklist.get_next_tlid().get() != current


def test_random_stays_off_where_the_current_one_is_the_next(core, player):
    ((one, _),) = put(player, "a")
    player.draw_another(one)
    assert not core.tracklist.get_random().get()


@pytest.mark.parametrize("error", [pykka.Timeout(), pykka.ActorDeadError()])
def test_a_core_that_does_not_answer_in_time_is_away(error):
    def get(timeout):
        assert timeout <= LOOKUP_TIMEOUT
        raise error

    def ask(**_):
        return types.SimpleNamespace(get=get)

    core = types.SimpleNamespace(
        tracklist=types.SimpleNamespace(add=ask),
        playback=types.SimpleNamespace(get_state=ask),
        get_uri_schemes=ask,
    )
    player = Player(core, max_length=3)
    with pytest.raises(PlayerAwayError):
        player.state()
    with pytest.raises(PlayerAwayError):
        put(player, "a")
    assert player.schemes() is None
