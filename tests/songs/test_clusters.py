import dataclasses
import io
import time

import numpy as np
import pytest
from rich.console import Console

from mopidy_moodcam.glossary import SongMood
from mopidy_moodcam.songs import clusters, fitting, moods
from mopidy_moodcam.songs.catalogue import Catalogue, TrackRow
from mopidy_moodcam.songs.clusters import AXES, assign, default_model, standardise
from mopidy_moodcam.songs.naming import named, words_for
from mopidy_moodcam.songs.prototypes import PROTOTYPES
from mopidy_moodcam.songs.sounds import COLUMNS, GROUPS, Sounds, load_sounds
from mopidy_moodcam.songs.tags import guess
from tests.songs.libraries import songs

POINTS = {m: np.array([p[axis] for axis in AXES]) for m, p in PROTOTYPES.items()}


@pytest.fixture
def catalogue(tmp_path):
    with Catalogue.open(tmp_path / "catalogue.sqlite") as catalogue:
        yield catalogue


@pytest.fixture(scope="module")
def sounds(tmp_path_factory):
    path = tmp_path_factory.mktemp("library") / "catalogue.sqlite"
    with Catalogue.open(path) as catalogue:
        catalogue.upsert_tracks(songs(1500))
        return load_sounds(catalogue)


def sounds_of(values, group="spotify"):
    count = len(values)
    return Sounds(
        track_id=np.arange(count),
        values=np.asarray(values, np.float32),
        group=np.full(count, GROUPS.index(group), np.int8),
        artist=np.zeros(count, np.int32),
        by_hand=np.full(count, -1, np.int8),
        loved=np.zeros(count, bool),
    )


def test_songs_that_are_only_guessed_shape_no_cluster(sounds):
    guesses = sounds_of(np.tile(sounds.values[:1], (1500, 1)), "tags")
    both = Sounds(
        *(
            np.concatenate([getattr(part, field.name) for part in (sounds, guesses)])
            for field in dataclasses.fields(Sounds)
        )
    )
    model = default_model()
    alone, beside = fitting.fit(sounds, model).model, fitting.fit(both, model).model
    np.testing.assert_allclose(alone.centres, beside.centres, atol=1e-4)
    assert sum(c.size for c in beside.clusters) == 3000
    only = fitting.fit(guesses, model).model
    np.testing.assert_allclose(
        sorted(only.centres.tolist()), sorted(model.centres.tolist()), atol=1e-4
    )


def test_the_clusters_that_come_along_serve_every_song_mood():
    model = default_model()
    assert {cluster.song_mood for cluster in model.clusters} == set(SongMood)
    assert len({cluster.name for cluster in model.clusters}) == len(model.clusters)
    assert model.default


def test_a_model_comes_back_from_json_as_it_was():
    model = default_model()
    again = clusters.ClusterModel.from_json(model.to_json())
    assert again.clusters == model.clusters
    assert again.to_json() == model.to_json()


def test_a_song_at_a_prototype_gets_its_song_mood():
    model = default_model()
    z = np.array([POINTS[mood] for mood in SongMood])
    assert model.moods[assign(z, model)].tolist() == list(range(len(SongMood)))


def test_assigning_finds_the_nearest_centre_by_weighted_distance():
    model = default_model()
    z = np.random.default_rng(0).normal(size=(200, len(AXES)))
    gaps = (z[:, None] - model.centres[None]) * model.weights
    expected = (gaps**2).sum(2).argmin(1)
    assert assign(z, model).tolist() == expected.tolist()


def test_a_new_track_is_assigned_in_well_under_a_millisecond(sounds):
    model = default_model()
    one = sounds.some(slice(0, 1))
    times = []
    for _ in range(50):
        start = time.perf_counter()
        assign(standardise(one, model), model)
        times.append(time.perf_counter() - start)
    assert np.median(times) < 1e-3


def test_fitting_the_same_songs_again_gives_the_same_clusters(sounds):
    one, two = (fitting.fit(sounds, default_model()) for _ in range(2))
    assert one.model.clusters == two.model.clusters


def test_a_library_like_the_reference_gets_clusters_that_continue_it(sounds):
    fit = fitting.fit(sounds, default_model())
    assert sorted(fit.matched) == list(range(fitting.CLUSTERS))
    for cluster, old in zip(fit.model.clusters, fit.matched, strict=True):
        assert cluster.song_mood == default_model().clusters[old].song_mood


def test_names_and_bindings_of_a_person_survive_a_refit_with_more_songs(sounds):
    first = fitting.fit(sounds.some(slice(600)), default_model()).model
    marked = dataclasses.replace(
        first.clusters[2],
        name="Rainy day",
        named=True,
        song_mood=SongMood.ROMANTIC,
        bound=True,
    )
    mended = (*first.clusters[:2], marked, *first.clusters[3:])
    previous = dataclasses.replace(first, clusters=mended)
    again = fitting.fit(sounds, previous, seed=7).model
    (kept,) = [c for c in again.clusters if c.name == "Rainy day"]
    assert (kept.song_mood, kept.named, kept.bound) == (SongMood.ROMANTIC, True, True)
    assert np.linalg.norm(np.subtract(kept.centre, marked.centre)) < 0.5


def test_names_nobody_chose_survive_too_while_they_say_the_truth(sounds):
    default = default_model()
    again = fitting.fit(sounds, default).model
    assert {c.name for c in again.clusters} == {c.name for c in default.clusters}
    liar = dataclasses.replace(default.clusters[0], song_mood=SongMood.SAD, name="sad")
    previous = dataclasses.replace(default, clusters=(liar, *default.clusters[1:]))
    again = fitting.fit(sounds, previous).model
    assert (again.clusters[0].name, again.clusters[0].song_mood) == ("happy", "happy")


def test_songs_keep_their_clusters_when_a_few_new_ones_come(sounds):
    first = fitting.fit(sounds.some(slice(1400)), default_model()).model
    again = fitting.fit(sounds, first, seed=3)
    old = assign(standardise(sounds, first), first)
    new = assign(standardise(sounds, again.model), again.model)
    same = np.mean(np.array(again.matched)[new] == old)
    assert same > 0.97


def test_matching_pairs_each_centre_once_and_leaves_far_ones_alone():
    model = default_model()
    shuffled = list(model.clusters)[::-1]
    far = dataclasses.replace(shuffled[0], centre=(9.0,) * len(AXES))
    matched = fitting.match_centres([far, *shuffled[1:]], model.clusters, model.weights)
    assert matched == (-1, *range(len(shuffled) - 2, -1, -1))


def test_a_name_is_refused_where_a_cluster_lies_between_two_song_moods():
    middle = (POINTS[SongMood.SAD] + POINTS[SongMood.ROMANTIC]) / 2
    clear = POINTS[SongMood.HAPPY]
    found = named(np.array([middle, clear]), np.array([5, 5]), default_model().weights)
    assert not found[0].separate
    assert found[0].name.startswith("between ")
    assert (found[1].name, found[1].separate) == ("happy", True)


def test_two_clusters_of_one_song_mood_are_told_apart_by_what_differs():
    acoustic = POINTS[SongMood.SAD] + np.array([0, 0, 0, 0.8, 0, 0])
    electric = POINTS[SongMood.SAD] - np.array([0, 0, 0, 0.8, 0, 0])
    weights = default_model().weights
    one, two = named(np.array([acoustic, electric]), np.array([5, 5]), weights)
    assert (one.name, two.name) == ("sad, acoustic", "sad, electric")


def test_words_for_a_centre_begin_with_its_clearest_feature():
    assert words_for((0.0, -1.0, 0.1, 2.0, -0.2, 0.0)) == ["acoustic", "gentle"]
    assert words_for((0.0,) * 6) == []


def test_missing_features_are_filled_from_valence_and_energy():
    loud = {"valence": 0.5, "energy": 0.95}
    quiet = {"valence": 0.5, "energy": 0.1}
    rows = [[song.get(name, np.nan) for name in COLUMNS] for song in (loud, quiet)]
    z = standardise(sounds_of(rows), default_model())
    assert np.isfinite(z).all()
    assert z[0, AXES.index("loudness")] > z[1, AXES.index("loudness")] + 1
    assert z[0, AXES.index("acousticness")] < z[1, AXES.index("acousticness")] - 1


def test_arousal_heard_in_the_audio_stands_for_energy():
    song = {"valence": 0.5, "energy": 0.5}
    rows = [
        [{**song, "arousal": arousal}.get(name, np.nan) for name in COLUMNS]
        for arousal in (-0.9, np.nan, 0.9)
    ]
    z = standardise(sounds_of(rows, "audio"), default_model())
    arousal = z[:, AXES.index("energy")]
    assert arousal[0] < arousal[1] < arousal[2]


def test_sources_with_another_scale_share_the_plane():
    rng = np.random.default_rng(0)
    here = rng.uniform(0.2, 0.8, (3000, len(COLUMNS)))
    there = here * 0.5 + 0.3  # a source that dares no extremes
    both = [sounds_of(here, "spotify"), sounds_of(there, "audio")]
    places = [
        clusters.plane(standardise(s, default_model()), s.group)[:, 0] for s in both
    ]
    assert abs(places[0].mean() - places[1].mean()) < 0.05
    assert abs(places[0].std() - places[1].std()) < 0.05


def test_the_plane_is_filled_by_any_library():
    rng = np.random.default_rng(0)
    values = rng.normal(0.9, 0.02, (500, len(COLUMNS))).clip(0, 1)  # all alike
    sounds = sounds_of(values)
    place = clusters.plane(standardise(sounds, default_model()), sounds.group)
    assert np.abs(place).max() <= 1
    assert place.min(0).max() < -0.5
    assert place.max(0).min() > 0.5


def test_songs_guessed_from_their_genre_stay_near_the_middle(catalogue):
    catalogue.upsert_tracks(songs(1000))
    genres = ("Metal", "Hip-Hop", "Pop", "Ambient", "Techno", "Jazz")
    catalogue.upsert_tracks(
        TrackRow(f"radio:{number}", features=guess(genres[number % len(genres)]))
        for number in range(500)
    )
    sounds = load_sounds(catalogue)
    place = clusters.plane(standardise(sounds, default_model()), sounds.group)
    guessed = sounds.group == clusters.GUESSED
    far = np.hypot(*place.T)
    assert far[guessed].max() < 0.75
    assert far[guessed].mean() < 0.6 * far[~guessed].mean()
    metal, ambient = place[guessed][0], place[guessed][3]
    assert metal[1] > ambient[1] + 0.3


def test_a_small_library_uses_the_clusters_that_came_along(catalogue):
    catalogue.upsert_tracks(songs(fitting.OWN_FROM - 1))
    assert not fitting.refit_if_due(catalogue)
    assert clusters.current_model(catalogue).default


def test_a_library_gets_clusters_of_its_own_and_new_ones_after_growing(catalogue):
    catalogue.upsert_tracks(songs(fitting.OWN_FROM))
    assert fitting.refit_if_due(catalogue)
    own = clusters.current_model(catalogue)
    assert not own.default
    assert sum(cluster.size for cluster in own.clusters) == fitting.OWN_FROM
    assert not fitting.refit_if_due(catalogue), "nothing new"
    catalogue.upsert_tracks(songs(int(fitting.OWN_FROM * fitting.GROWTH) + 1))
    assert fitting.refit_if_due(catalogue)


def test_songs_heard_anew_make_a_refit_due(catalogue):
    catalogue.upsert_tracks(songs(fitting.OWN_FROM))
    assert fitting.refit_if_due(catalogue)
    assert not fitting.due(catalogue, reheard=fitting.OWN_FROM // 5)
    assert fitting.due(catalogue, reheard=fitting.OWN_FROM // 4)
    catalogue.forget("features")
    rows = songs(fitting.OWN_FROM)
    catalogue.upsert_tracks(rows)
    assert fitting.due(catalogue)


def test_songs_left_out_do_not_make_a_refit_due(catalogue):
    catalogue.upsert_tracks(songs(fitting.OWN_FROM * 2))
    for number in range(0, 200, 2):
        catalogue.exclude("artist", f"Artist {number}")
    assert fitting.refit_if_due(catalogue)
    assert not fitting.due(catalogue)


def test_the_command_shows_what_it_made(catalogue):
    catalogue.upsert_tracks(songs(fitting.OWN_FROM))
    console = Console(file=io.StringIO(), width=160)
    assert moods.refit(catalogue, console) == 0
    said = console.file.getvalue()
    assert f"{fitting.OWN_FROM} songs in {fitting.CLUSTERS} clusters" in said
    assert "made from this library" in said


@pytest.mark.parametrize("count", [0, 1, 2, 30])
def test_the_command_takes_a_library_of_any_size(catalogue, count):
    catalogue.upsert_tracks(songs(count))
    assert moods.refit(catalogue, Console(file=io.StringIO())) == 0


def test_a_library_of_one_song_many_times_can_be_fitted():
    same = sounds_of(np.full((600, len(COLUMNS)), 0.5))
    model = fitting.fit(same, default_model()).model
    assert len(assign(standardise(same, model), model)) == 600


def test_silhouettes_are_shown_per_cluster(sounds):
    model = default_model()
    values = fitting.silhouettes(standardise(sounds, model), model)
    assert values.shape == (len(model.clusters),)
    assert ((values > 0) & (values < 1)).all()
    lonely = fitting.silhouettes(standardise(sounds, model)[:1], model)
    assert np.isnan(lonely).sum() == len(model.clusters) - 1
