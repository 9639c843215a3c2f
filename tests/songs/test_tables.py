import gzip
import io
import random

import pytest
from rich.console import Console

from mopidy_moodcam.glossary import Verdict
from mopidy_moodcam.songs import tables
from mopidy_moodcam.songs.catalogue import Catalogue, TrackRow
from mopidy_moodcam.songs.features import Features
from mopidy_moodcam.songs.scan import scan
from mopidy_moodcam.songs.sounds import load_sounds
from mopidy_moodcam.songs.survey import WalkedTrack
from mopidy_moodcam.songs.tables import TableError, import_file, import_files
from tests.shared import shared_data
from tests.songs import faults
from tests.songs.libraries import spotify_id, table

A, B, C = (spotify_id(number) for number in (1, 2, 3))
HEAD = "track_id,track_name,artist,danceability,energy,valence"


@pytest.fixture
def catalogue(tmp_path):
    with Catalogue.open(tmp_path / "catalogue.sqlite") as catalogue:
        yield catalogue


@pytest.fixture
def write(tmp_path):
    def write(text, name="table.csv", encoding="utf-8"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
        return path

    return write


# Layouts that real exports have

LAYOUTS = {
    "artists_as_list_no_key_mode.csv": (60, {}),
    "capitalised_columns.csv": (60, {}),
    "data_moods_original.csv": (60, {}),
    "exportify_layout.csv": (300, {}),
    "hit_predictor.csv": (60, {}),
    "library_export_all_artists.csv": (60, {}),
    "musicoset_features.tsv": (60, {}),
    "padded_cells_quoted_commas.csv": (30, {}),
    "track_uri_no_artist.csv": (60, {}),
    "unnamed_index_first_rows_empty.csv": (
        52,
        {
            "empty row": 7,
            "never analysed by Spotify (tempo and danceability are 0)": 1,
        },
    ),
    "utf8_bom_no_artist.csv": (60, {}),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_row_of_a_real_layout_is_taken_or_counted_with_its_reason(
    catalogue, name
):
    taken, rejected = LAYOUTS[name]
    report = import_file(catalogue, shared_data("music/csv_variants") / name)
    assert (report.added + report.matched, dict(report.rejected)) == (taken, rejected)
    assert catalogue.counts()["analysed"] == report.added
    titles = catalogue.rows("SELECT COUNT(*) FROM tracks WHERE title <> ''")[0][0]
    nameless = {"musicoset_features.tsv", "unnamed_index_first_rows_empty.csv"}
    assert titles == (0 if name in nameless else report.added)


def test_two_files_joined_by_song_id_become_one_song_each_in_any_order(catalogue):
    folder = shared_data("music/csv_variants")
    files = [folder / "musicoset_features.tsv", folder / "musicoset_songs.tsv"]
    assert import_files(catalogue, files, quiet()) == 0
    assert catalogue.counts()["tracks"] == catalogue.counts()["analysed"] == 60
    song = catalogue.find("spotify:track:3e9HZxeyfWwjeyPAMmWSSQ")
    assert (song.title, song.artist) == ("thank u, next", "Ariana Grande")
    assert song.features.energy == 0.653


def test_a_file_with_lost_decimal_points_is_refused_with_the_reason(catalogue):
    path = shared_data("music/csv_variants/semicolon_lost_decimal_points.csv")
    with pytest.raises(TableError, match="its decimal points were lost") as error:
        import_file(catalogue, path)
    assert "\n" not in str(error.value)
    assert catalogue.counts()["tracks"] == 0


def test_cells_of_a_padded_table_are_read_without_the_padding(catalogue):
    import_file(
        catalogue, shared_data("music/csv_variants/padded_cells_quoted_commas.csv")
    )
    song = catalogue.find("spotify:track:2plbrEY59IikOBgBGLjaoe")
    assert (song.title, song.artist) == ("Die With A Smile", "Lady Gaga, Bruno Mars")
    assert (song.year, song.duration_ms) == (2024, 251_668)
    assert (song.features.key, song.features.loudness) == (6.0, -7.777)


@pytest.mark.parametrize(
    "header",
    [
        '"Track URI","Track Name","Artist Name(s)","Danceability","Energy","Valence"',
        '"Track-URI","Track-Name","Künstlername(n)","Tanzbarkeit","Energie","Valenz"',
        "URI du titre,Nom du titre,Nom(s) de l'artiste,Danseabilité,Énergie,Valence",
        "URI de la canción,Nombre de la canción,Artista,Bailabilidad,Energía,Valencia",
        '"トラックURI","トラック名","アーティスト名","ダンサビリティ","エネルギー","感情値"',
        "URI κομματιού,Όνομα κομματιού,Artist,Χορευτικότητα,Ενέργεια,Θετικότητα",
        '"TRACK_URI","TRACK_NAME","ARTIST_NAMES","DANCEABILITY","ENERGY","VALENCE"',
    ],
)
def test_translated_and_capitalised_headers_mean_the_same(catalogue, write, header):
    row = f'"spotify:track:{A}","Title","One\\, Two, Three",0.5,0.25,0.75'
    report = import_file(catalogue, write(f"{header}\n{row}\n"))
    assert report.added == 1
    song = catalogue.find(f"spotify:track:{A}")
    assert (song.title, song.artist) == ("Title", "One, Two; Three")
    assert (song.features.energy, song.features.valence) == (0.25, 0.75)


@pytest.mark.parametrize(
    ("header", "row", "year"),
    [
        ("track_name,artist(s)_name,released_year,valence_%,energy_%",
         "T,X,2010,75,25", 2010),
        ("endTime,artistName,trackName,Energy,Valence", "now,X,T,0.25,0.75", None),
        ("title,artist,top genre,year,bpm,nrgy,dnce,dB,live,val,dur,acous,spch,pop",
         "T,X,pop,2010,97,25,67,-4,8,75,217,19,4,83", 2010),
        ("Artist,Track,Energy,Valence,Title", "X,T,0.25,0.75,X - T (Video)", None),
        ("Track,Title,Artist,Energy,Valence", "3/12,T,X,0.25,0.75", None),
        ("sep=;\nTitle;Artist;Energy;Valence", "T;X;0,25;0,75", None),
        ("Title,Artist,Dance,Energy,Valence", "T,X,67.5%,25%,75 %", None),
        ("Song,Artist,Album,Album Date,Energy,Happy", "T,X,A,2010-09-13,25,75", 2010),
    ],
)  # fmt: skip
def test_the_usual_collections_name_their_songs_and_their_mood(
    catalogue, write, header, row, year
):
    catalogue.upsert_tracks([TrackRow("local:a", title="T", artist="X")])
    import_file(catalogue, write(f"{header}\n{row}\n"))
    song = catalogue.find("local:a")
    assert (song.features.energy, song.features.valence) == (0.25, 0.75)
    assert song.year == year


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (f"{HEAD}\n{A},Ä,Ö,0.5,0.25,0.75\n", "utf-8-sig"),
        (f"{HEAD}\n{A},Ä,Ö,0.5,0.25,0.75\n", "utf-16"),
        (f"{HEAD}\n{A},Ä,Ö,0.5,0.25,0.75\n", "cp1252"),
        (f"{HEAD}\r\n{A},Ä,Ö,0.5,0.25,0.75\r\n", "utf-8"),
        (f"{HEAD}\r{A},Ä,Ö,0.5,0.25,0.75\r", "utf-8"),
        (f"{HEAD}\n{A},Ä,Ö,0.5,0.25,0.75".replace(",", "\t"), "utf-8"),
        (f"{HEAD}\n{A},Ä,Ö,0.5,0.25,0.75".replace(",", "|"), "utf-8"),
        (f"{HEAD}\n{A},Ä,Ö,0.5,0.25,0.75".replace(",", ";"), "utf-8"),
        (f"{HEAD}\n{A},Ä,Ö,0.5,0.25,0.75".replace(",", ";").replace(".", ","), "utf-8"),
    ],
)
def test_encodings_line_ends_delimiters_and_decimal_commas(
    catalogue, write, text, encoding
):
    assert import_file(catalogue, write(text, encoding=encoding)).added == 1
    song = catalogue.find(f"spotify:track:{A}")
    assert (song.title, song.artist, song.features.valence) == ("Ä", "Ö", 0.75)


def test_shares_in_percent_are_read_as_such(catalogue, write):
    text = (
        "#,Song,Artist,BPM,Dance,Energy,Acoustic,Happy,Loud (Db),Spotify Track Id,"
        f"Valence\n1,T,A,120,60,45,3,1,-7.5,{A},72\n2,U,A,90,7,100,0,1,-7,{B},1\n"
    )
    assert import_file(catalogue, write(text)).added == 2
    sound = catalogue.find(f"spotify:track:{A}").features
    found = (sound.danceability, sound.energy, sound.valence, sound.loudness)
    assert found == (0.6, 0.45, 0.72, -7.5)
    assert catalogue.find(f"spotify:track:{B}").features.valence == 0.01


def test_lost_decimal_points_are_no_percent(catalogue, write):
    with pytest.raises(TableError, match="decimal points were lost"):
        import_file(catalogue, write(f"{HEAD}\n{A},T,X,071,05,1\n"))


def test_decimal_commas_in_quotes_are_read_between_commas_too(catalogue, write):
    text = f'{HEAD}\n{A},T,X,"0,5","0,25","0,75"\n'
    assert import_file(catalogue, write(text)).added == 1
    assert catalogue.find(f"spotify:track:{A}").features.valence == 0.75


@pytest.mark.parametrize(
    ("given", "artists"),
    [
        ("Macklemore,Ryan Lewis", "Macklemore; Ryan Lewis"),
        ("10,000 Maniacs", "10,000 Maniacs"),
        ("Earth, Wind & Fire", "Earth, Wind & Fire"),
    ],
)
def test_artists_joined_by_a_bare_comma_are_several(catalogue, write, given, artists):
    import_file(catalogue, write(f'{HEAD}\n{A},T,"{given}",0.5,0.25,0.75\n'))
    assert catalogue.find(f"spotify:track:{A}").artist == artists


def test_a_gzipped_table_is_read_as_it_is(catalogue, write):
    path = write(gzip.compress(table(10).encode()), "table.csv.gz")
    assert import_file(catalogue, path).added == 10


def test_quotes_in_titles_of_a_tab_separated_table_do_not_swallow_rows(
    catalogue, write
):
    text = f'{HEAD}\n{A},"Heroes,X,0.5,0.5,0.5\n{B},7" mix,X,0.5,0.5,0.5\n'
    assert import_file(catalogue, write(text.replace(",", "\t"))).added == 2


@pytest.mark.parametrize("spoilt", [(5,), (5, 6), (5, 39), (5, 2999), range(40)])
@pytest.mark.parametrize("quoted", ["S", '"One, Two"', '"One"'])
def test_a_quote_that_is_never_closed_swallows_no_row(catalogue, write, spoilt, quoted):
    count = 3000 if 2999 in spoilt else 40
    names = {17: quoted} | dict.fromkeys(spoilt, '"Heroes')
    rows = [
        f"{spotify_id(i)},{names.get(i, 'S')},X,0.5,0.5,0.5\n" for i in range(count)
    ]
    console = quiet()
    assert import_files(catalogue, [write(f"{HEAD}\n{''.join(rows)}")], console) == 0
    assert catalogue.counts()["analysed"] == count
    assert catalogue.find(f"spotify:track:{spotify_id(5)}").title == "Heroes"
    assert (
        f"{len(spoilt)} with a quote that is never closed." in console.file.getvalue()
    )


def test_cells_of_several_lines_stay_cells(catalogue, write):
    cells = '"one\n\ntwo, 2,\nthree"'
    rows = [f"{cells},{i},T,X,0.5,0.5,{i}\n" for i in (A, B)]
    text = f"text,track_id,title,artist,energy,valence,genre\n{''.join(rows)}"
    report = import_file(catalogue, write(text))
    assert (report.added, report.rows, report.damage.unclosed) == (2, 2, 0)


def test_keys_modes_and_lengths_in_words_are_understood(catalogue, write):
    text = (
        "track_id,title,energy,valence,key,mode,duration\n"
        f"{A},T,0.5,0.5,C#/Db,Minor,3:45\n{B},T,0.5,0.5,B♭ maj,,225\n"
    )
    import_file(catalogue, write(text))
    one, two = (catalogue.find(f"spotify:track:{i}") for i in (A, B))
    assert (one.features.key, one.features.mode, one.duration_ms) == (1, 0, 225_000)
    assert (two.features.key, two.features.mode, two.duration_ms) == (10, 1, 225_000)


@pytest.mark.parametrize(
    ("header", "cell", "length"),
    [
        ("duration_ms", "8500", 8500),
        ("Track Duration (ms)", "225000.0", 225_000),
        ("duration", "225000", 225_000),
        ("trackDuration", "225s", 225_000),
        ("time", "00:03:45", 225_000),
        ("time", "1:02:03", 3_723_000),
        ("time", "03:45:00", None),
        ("time", "99999999999999999999:00:01", None),
        pytest.param("time", f"{9:09999}:00:01", None, id="more digits than an int"),
    ],
)
def test_a_length_is_guessed_only_where_its_unit_is_not_said(
    catalogue, write, header, cell, length
):
    import_file(catalogue, write(f"track_id,{header}\n{A},{cell}\n"))
    assert catalogue.find(f"spotify:track:{A}").duration_ms == length


# Rows that cannot be taken


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (f"{A},T,X,0.5,1.5,0.5", "energy is not between 0 and 1"),
        (f"{A},T,X,0.5,nonsense,0.5", "energy is no number"),
        (f"{A},T,X,0.5,0.5,inf", "valence is not between 0 and 1"),
        (f"{A},T,X,0.5,0.5,", "no valence or no energy"),
        (",,,,,", "empty row"),
        (",T,X,0.5,0.5,0.5", "no Spotify id, and no such song in the catalogue"),
        (
            f"spotify:episode:{A},T,X,0.5,0.5,0.5",
            "not a song (an episode, album, artist or playlist)",
        ),
    ],
)
def test_a_row_left_out_is_counted_with_its_reason(catalogue, write, row, reason):
    good = "\n".join(f"{spotify_id(i)},T{i},X,0.5,0.5,0.5" for i in range(20, 60))
    report = import_file(catalogue, write(f"{HEAD}\n{row}\n{good}\n"))
    assert dict(report.rejected) == {reason: 1}
    assert (report.added, report.rows) == (40, 41)


def test_a_song_without_features_waits_for_them(catalogue, write):
    report = import_file(catalogue, write(f"{HEAD}\n{A},T,X,,,\n"))
    assert (report.added, report.waiting) == (1, 1)
    assert catalogue.counts()["elsewhere"] == 1
    import_file(catalogue, write(f"{HEAD}\n{A},T,X,0.5,0.5,0.5\n"))
    assert catalogue.counts()["elsewhere"] == 0


def test_features_given_by_hand_are_a_tables(catalogue, write):
    import_file(catalogue, write(f"{HEAD},feature_source\n{A},T,X,0.5,0.5,0.5,hand\n"))
    assert catalogue.find(f"spotify:track:{A}").features.source == "table"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is empty"),
        ("one,two\n1,2\n", "no header line"),
        ("energy,valence\n0.5,0.5\n", "no column says which songs"),
        ("title,energy,valence\nT,0.5,0.5\n", "no column says which songs"),
        (f"track_id,energy\n{A},0.5\n", "no valence"),
        (f"track_id,valence\n{A},0.5\n", "no energy"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" * 30, "is no text table"),
        (b"\x1f\x8b\x08\x00broken", "cannot be read"),
        (b"PAR1 but not really", r"damaged Parquet|needs pyarrow"),
    ],
)
def test_a_table_of_no_use_is_refused_in_one_sentence(catalogue, write, text, reason):
    with pytest.raises(TableError, match=reason) as error:
        import_file(catalogue, write(text))
    assert "\n" not in str(error.value)


def test_missing_files_and_folders_are_sentences_and_the_others_are_imported(
    catalogue, write, tmp_path
):
    console = quiet()
    files = [tmp_path / "missing.csv", tmp_path, write(table(3))]
    assert import_files(catalogue, files, console) == 1
    said = console.file.getvalue()
    assert "No such file" in said
    assert "is a folder" in said
    assert catalogue.counts()["tracks"] == 3


# Matching


def test_a_file_of_the_library_gains_the_features_of_its_namesake(catalogue, write):
    catalogue.upsert_tracks([TrackRow("local:a", title="Träume", artist="The X")])
    text = f"{HEAD}\n{A},Traume - 2009 Remaster,X; Y,0.5,0.25,0.75\n"
    report = import_file(catalogue, write(text))
    assert (report.added, report.matched) == (0, 1)
    song = catalogue.find("local:a")
    assert (song.title, song.artist) == ("Träume", "The X"), "its own tags stay"
    assert (song.spotify_id, song.features.valence) == (A, 0.75)
    assert catalogue.find(f"spotify:track:{A}") is None


def test_every_file_of_a_song_gets_its_features(catalogue, write):
    uris = ("local:a.mp3", "local:b.flac")
    catalogue.upsert_tracks(TrackRow(uri, title="T", artist="X") for uri in uris)
    import_file(catalogue, write(f"{HEAD}\n{A},T,X,0.5,0.7,0.3\n"))
    assert all(catalogue.find(uri).features for uri in uris)


def test_a_file_with_the_spotify_id_is_the_song_whatever_it_is_called(catalogue, write):
    file = TrackRow("local:a.mp3", title="Untitled", artist="Y", spotify_id=A)
    catalogue.upsert_tracks([file])
    import_file(catalogue, write(f"{HEAD}\n{A},T,X,0.5,0.7,0.3\n"))
    assert catalogue.find("local:a.mp3").features.energy == 0.7
    assert catalogue.counts()["tracks"] == 1


def test_a_song_that_was_lost_is_found_again_in_a_table(catalogue, write):
    uri = f"spotify:track:{A}"
    catalogue.upsert_tracks([TrackRow(uri, title="Hurt", artist="X")])
    catalogue.judge(uri, Verdict.LOVED)
    catalogue.lose([uri])
    import_file(catalogue, write(f"track_id,track_name,artist\n{A},Hurt,X\n"))
    assert catalogue.find(uri).failed is None


def test_a_table_helps_a_song_that_could_not_be_heard(catalogue, write):
    catalogue.upsert_tracks([TrackRow("local:a.mp3", title="T", artist="X")])
    catalogue.fail("local:a.mp3", "not an audio file", 1.0, 1)
    import_file(catalogue, write(f"{HEAD}\n{A},T,X,0.5,0.7,0.3\n"))
    assert catalogue.failures() == []


def test_a_file_keeps_what_its_own_sound_said(catalogue, write):
    heard = Features(valence=0.1, energy=0.1, source="audio")
    catalogue.upsert_tracks(
        [TrackRow("local:a", title="T", artist="X", features=heard)]
    )
    import_file(catalogue, write(f"{HEAD}\n{A},T,X,0.5,0.9,0.9\n"))
    song = catalogue.find("local:a")
    assert song.features == heard
    assert song.spotify_id == A


def test_a_uri_that_is_not_spotifys_means_its_own_track_only(catalogue, write):
    catalogue.upsert_tracks([TrackRow("local:a", title="T", artist="X")])
    text = "uri,title,artist,energy,valence\nlocal:b,T,X,0.5,0.5\n"
    assert import_file(catalogue, write(text)).added == 1
    assert catalogue.find("local:a").features is None


def test_an_isrc_matches_before_the_name_does(catalogue, write):
    catalogue.upsert_tracks(
        [
            TrackRow("local:a", title="T", artist="X"),
            TrackRow("local:b", title="Other", artist="Y", isrc="USUM71703861"),
        ]
    )
    text = f"isrc,{HEAD}\nUS-UM7-1703861,{A},T,X,0.5,0.5,0.5\n"
    import_file(catalogue, write(text))
    assert catalogue.find("local:a").features is None
    assert catalogue.find("local:b").features is not None


@pytest.mark.parametrize(
    ("length", "found"), [("", True), ("205000", True), ("205001", False)]
)
def test_a_namesake_is_the_same_song_where_it_is_about_as_long(
    catalogue, write, length, found
):
    catalogue.upsert_tracks(
        [TrackRow("local:a", title="T", artist="X", duration_ms=200_000)]
    )
    text = f"duration_ms,{HEAD}\n{length},{A},T,X,0.5,0.25,0.75\n"
    assert import_file(catalogue, write(text)).matched == found
    assert (catalogue.find("local:a").features is not None) == found


@pytest.mark.parametrize("scanned_later", [False, True])
def test_a_table_goes_before_the_guess_of_a_song_that_is_on_spotify_too(
    catalogue, write, scanned_later
):
    elsewhere = WalkedTrack("jellyfin:track:1", title="T", artist="X", genre="metal")
    if not scanned_later:
        scan(catalogue, [elsewhere], console=quiet())
    uri = f"spotify:track:{A}"
    catalogue.upsert_tracks([TrackRow(uri, "T", "X", spotify_id=A)])
    console = quiet()
    import_files(catalogue, [write(f"{HEAD}\n{A},T,X,0.5,0.1,0.9\n")], console)
    assert "1 rows, 0 new songs, 1 for songs there were" in console.file.getvalue()
    if scanned_later:
        scan(catalogue, [elsewhere], console=quiet())
    assert catalogue.find(elsewhere.uri).features == catalogue.find(uri).features
    assert catalogue.find(uri).features.valence == 0.9
    (song,) = load_sounds(catalogue).track_id
    assert catalogue.track(int(song)).uri == elsewhere.uri


def test_known_songs_only_means_that_none_is_added(catalogue, write):
    catalogue.upsert_tracks([TrackRow("local:a", title="T", artist="X")])
    rows = f"{A},T,X,0.5,0.5,0.5\n{B},U,X,0.5,0.5,0.5\n,V,X,0.5,0.5,0.5\n"
    report = import_file(catalogue, write(f"{HEAD}\n{rows}"), known=True)
    assert (report.added, report.matched) == (0, 1)
    assert report.rejected == {
        "no such song in the catalogue": 1,
        "no Spotify id, and no such song in the catalogue": 1,
    }
    assert catalogue.counts()["tracks"] == catalogue.counts()["analysed"] == 1


def test_two_spotify_ids_with_one_name_stay_two_songs(catalogue, write):
    text = f"{HEAD}\n{A},T,X,0.5,0.5,0.5\n{B},T,X,0.5,0.5,0.5\n"
    assert import_file(catalogue, write(text)).added == 2


def test_importing_twice_changes_nothing(catalogue, write):
    path = write(table(200))
    import_file(catalogue, path)
    before = catalogue.rows("SELECT * FROM tracks ORDER BY id")
    report = import_file(catalogue, path)
    assert (report.added, report.matched) == (0, 200)
    assert catalogue.rows("SELECT * FROM tracks ORDER BY id") == before


# Rows of the analysis, made on other machines


def analysed(path, rows):
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is an extra")
    import pyarrow as pa

    parquet.write_table(pa.Table.from_pylist(rows), path, row_group_size=1000)
    return path


def test_parquet_rows_of_the_analysis_are_as_good_as_a_scan(catalogue, tmp_path):
    heard = {
        "uri": "file:///music/a%20b.mp3",
        "valence": 0.5,
        "energy": 0.25,
        "arousal": -0.5,
        "tempo": 90.0,
        "feature_source": "audio",
        "failed": None,
        "mtime": 1234.5,
        "size": 99,
    }
    silent = dict.fromkeys(heard) | {
        "uri": "file:///music/c.mp3",
        "failed": "silent",
        "mtime": 1.25,
        "size": 7,
    }
    path = analysed(tmp_path / "rows.parquet", [heard, silent])
    assert import_file(catalogue, path).added == 2
    song = catalogue.find("file:///music/a%20b.mp3")
    assert (song.features.source, song.features.arousal) == ("audio", -0.5)
    assert (song.mtime, song.size, song.failed) == (1234.5, 99, None)
    state = catalogue.file_state("file:///music/c.mp3")
    assert (state.mtime, state.size, state.failed) == (1.25, 7, "silent")
    report = import_file(catalogue, path)
    assert (report.added, report.matched) == (0, 2)
    assert catalogue.file_state("file:///music/c.mp3") == state


def test_shares_in_percent_are_read_as_such_from_parquet_too(catalogue, tmp_path):
    rows = [{"track_id": A, "energy": 45, "valence": 72}]
    assert import_file(catalogue, analysed(tmp_path / "rows", rows)).added == 1
    assert catalogue.find(f"spotify:track:{A}").features.valence == 0.72


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"track_id": A, "energy": 916.0, "valence": 0.5}, "decimal points were lost"),
        ({"track_id": A, "energy": 0.5}, "no valence"),
        ({"title": "T", "energy": 0.5, "valence": 0.5}, "no column says which songs"),
    ],
)
def test_parquet_of_no_use_is_refused_as_csv_is(catalogue, tmp_path, row, reason):
    with pytest.raises(TableError, match=reason):
        import_file(catalogue, analysed(tmp_path / "rows", [row]))


# Size and faults


def cut_off(tmp_path):
    path = tmp_path / "table.csv.gz"
    data = gzip.compress(table(6000).encode())
    path.write_bytes(data[: len(data) * 4 // 5])
    return path


def damaged_page(tmp_path):
    rows = [
        {"track_id": spotify_id(i), "energy": 0.5, "valence": 0.5} for i in range(6000)
    ]
    path = analysed(tmp_path / "table.parquet", rows)
    data = path.read_bytes()
    at = len(data) * 4 // 5
    path.write_bytes(data[:at] + b"\xff" * 3000 + data[at + 3000 :])
    return path


@pytest.mark.parametrize("make", [cut_off, damaged_page])
def test_what_can_be_read_of_a_damaged_file_is_counted_and_clustered(
    catalogue, tmp_path, make
):
    console = quiet()
    assert import_files(catalogue, [make(tmp_path)], console) == 1
    count = catalogue.counts()["analysed"]
    assert 1000 < count < 6000
    said = console.file.getvalue()
    assert f"{count} rows, {count} new songs" in said
    assert "the rest of the file cannot be read" in said
    assert "sorted into clusters" in said


def test_a_large_table_streams(write):
    path = write(table(5000))
    sizes = []
    with tables.open_table(path) as opened:
        for number, _ in enumerate(opened.rows):
            if number == tables.LOOK_AHEAD + 1:
                sizes.append(number)
                break
    assert sizes, "rows come before the table is read to its end"


def test_a_killed_import_leaves_a_sound_catalogue_and_can_go_on(tmp_path):
    path, source = tmp_path / "catalogue.sqlite", tmp_path / "table.csv"
    source.write_text(table(12_000))
    rng = random.Random(5)
    seen = []
    for _ in range(5):
        faults.killed_import(path, source, rng.uniform(0.0, 0.4))
        assert faults.wounds(path) == []
        with Catalogue.open(path) as catalogue:
            seen.append(catalogue.counts()["analysed"])
    assert seen == sorted(seen), "nothing that was stored is lost"
    with Catalogue.open(path) as catalogue:
        import_file(catalogue, source)
        assert catalogue.counts()["analysed"] == 12_000
    assert faults.wounds(path) == []


@pytest.mark.parametrize("seed", range(60))
def test_a_gnawed_table_is_taken_in_part_or_refused_in_a_sentence(
    catalogue, write, seed
):
    rng = random.Random(seed)
    path = write(faults.gnawed(table(120, seed=seed).encode(), rng))
    said = taken(catalogue, path)
    assert "\n" not in said
    assert faults.nonsense_in(catalogue.path) == []


def taken(catalogue, path):
    try:
        report = import_file(catalogue, path)
    except TableError as error:
        return str(error)
    assert catalogue.counts()["tracks"] == report.added
    return f"{report.rows} rows"


def quiet():
    return Console(file=io.StringIO(), width=400)
