import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mopidy_moodcam.songs import match


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("Café del Mar", "Énergie 52"), ("cafe del mar", "ENERGIE 52")),
        (("Ready to Go - 2011 Remaster", "Republica"), ("Ready To Go", "republica")),
        (("Heroes (2017 Remastered Version)", "Bowie"), ("Heroes", "Bowie")),
        (("Umbrella (feat. JAY-Z)", "Rihanna"), ("Umbrella", "Rihanna; JAY-Z")),
        (("Hello", "The Cardigans"), ("Hello", "Cardigans")),
        (("Don't Stop", "A, B"), ("Don\u2019t  stop", "A")),
        (("Straße", "Ich & Ich"), ("STRASSE", "ich & ich")),
        (("Never Forget (feat. Take That)", "X"), ("Never Forget", "X")),
        (("Song feat. Mixed Emotions", "X"), ("Song", "X")),
        (("Song - Mono Single Mix", "X"), ("Song", "X")),
        (("Song - Remastered 2009 Mix", "X"), ("Song", "X")),
        (("Song feat. X - Live / 2009 Remaster", "Y"), ("Song (Live)", "Y")),
        (("Song (Tiësto Remix; Radio Edit)", "Y"), ("Song - Tiësto Remix", "Y")),
        (("Song ft. X (Mono Version; Live)", "Y"), ("Song [Live]", "Y")),
    ],
)
def test_the_same_song_has_the_same_key(one, other):
    assert match.match_key(*one) == match.match_key(*other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("Jolene", "Dolly Parton"), ("Jolene - Live at Glastonbury", "Dolly Parton")),
        (("Hello", "Adele"), ("Hello", "Lionel Richie")),
        (("Song 2", "Blur"), ("Song", "Blur")),
        *(
            ((f"Song{take}", "X"), ("Song", "X"))
            for take in (
                " (Acoustic)",
                " - Live / Remastered",
                " - Acoustic / Remastered",
                " - Demo / 2009 Remaster",
                " - Instrumental / Remastered",
                " - Take 4 / Mono",
                " feat. Y (Live)",
                " feat. Y - Live",
                " (Tiësto Remix; Radio Edit)",
                " - Skrillex Remix Radio Edit",
                " (with Strings)",
                " (With the London Symphony Orchestra)",
            )
        ),
        (("紅蓮", "X"), ("紅葉", "X")),
    ],
)
def test_another_song_has_another_key(one, other):
    assert match.match_key(*one) != match.match_key(*other)


def test_a_title_without_an_artist_matches_nothing():
    assert match.match_key("Hello", "") is None
    assert match.match_key("", "Adele") is None
    assert match.match_key("?!", "Adele") is None


@pytest.mark.parametrize(
    "text",
    [
        "3e9HZxeyfWwjeyPAMmWSSQ",
        " 3e9HZxeyfWwjeyPAMmWSSQ ",
        "spotify:track:3e9HZxeyfWwjeyPAMmWSSQ",
        "https://open.spotify.com/track/3e9HZxeyfWwjeyPAMmWSSQ?si=abc",
        "https://api.spotify.com/v1/tracks/3e9HZxeyfWwjeyPAMmWSSQ",
    ],
)
def test_a_spotify_id_is_found_in_every_form(text):
    assert match.spotify_id(text) == "3e9HZxeyfWwjeyPAMmWSSQ"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "spotify:album:3e9HZxeyfWwjeyPAMmWSSQ",
        "spotify:local:Artist:Album:Title:123",
        "3e9HZxeyfWwjeyPAMmWSSQQQ",
    ],
)
def test_what_is_no_track_id_is_none(text):
    assert match.spotify_id(text) is None


def test_an_isrc_is_read_with_and_without_hyphens():
    assert match.isrc("us-um7-1703861") == "USUM71703861"
    assert match.isrc("USUM7170386") is None


def test_codes_of_artists_are_stable_and_follow_the_first_name():
    assert match.artist_code("Miles Davis; John Coltrane") == match.artist_code(
        "miles davis"
    )
    assert match.artist_code("Miles Davis") != match.artist_code("John Coltrane")
    assert match.artist_code("") == 0


@example("\U0001d63c", "")  # a mathematical A
@given(st.text(max_size=80), st.text(max_size=80))
def test_any_text_gives_a_key_that_is_its_own_normal_form(title, artist):
    key = match.match_key(title, artist)
    if key is not None:
        assert key.count("\t") == 1
        assert 0 < match.artist_code(artist) < 2**31
    assert match.plain(match.plain(title)) == match.plain(title)
