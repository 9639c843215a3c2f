from __future__ import annotations

import dataclasses
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from mopidy_moodcam.glossary import EXPRESSIONS
from mopidy_moodcam.seeing import expression
from tests.bench import bench_expression
from tests.shared import shared_data

torch = pytest.importorskip("torch", reason="torch is not installed")

ROOT = pathlib.Path(__file__).parents[2]
FERPLUS = (
    *("neutral", "happy", "surprise", "sad", "angry", "disgust", "fear"),
    *("contempt", "unknown", "nothing"),
)


@pytest.fixture(scope="module")
def training():
    sys.path.insert(0, str(ROOT / "training"))
    try:
        import expression_cnn
    finally:
        sys.path.pop(0)
    return expression_cnn


@pytest.fixture
def settings(training, tmp_path):
    small = training.quick(training.Settings(out=str(tmp_path), device="cpu"))
    return dataclasses.replace(small, epochs=2, channels=(8, 8, 16), save=0.0)


def votes(**given):
    columns = [
        "neutral",
        "happy",
        "surprise",
        "sad",
        "angry",
        "disgust",
        "fear",
        "contempt",
        "unknown",
        "nothing",
    ]
    return np.array([[given.get(name, 0) for name in columns]], np.uint8)


def test_labels_stand_in_the_glossary_s_order(training):
    assert training.LABELS == EXPRESSIONS


def test_single_votes_do_not_count(training):
    targets, usable = training.vote_targets(votes(happy=8, sad=1, angry=1))

    assert usable.all()
    assert targets[0, EXPRESSIONS.index("happy")] == 1


@pytest.mark.parametrize("name", ["contempt", "unknown", "nothing"])
def test_rows_without_one_of_the_seven_are_left_out(training, name):
    _, usable = training.vote_targets(votes(**{name: 6, "happy": 4}))

    assert not usable.any()


def test_shared_votes_become_soft_labels_without_contempt(training):
    targets, _ = training.vote_targets(votes(neutral=4, sad=4, contempt=2))

    assert targets[0, EXPRESSIONS.index("neutral")] == 0.5
    assert targets[0, EXPRESSIONS.index("sad")] == 0.5


def test_training_rows_that_repeat_a_test_row_are_left_out(training):
    usage = np.array([0, 0, 0, 1, 2])
    first_same = np.array([0, 1, 2, 0, 2])

    copies = training.copies_of_tests(first_same, usage)

    assert copies.tolist() == [True, False, True, False, False]


def test_the_paper_s_rule_keeps_the_paper_s_rows(training):
    with np.load(shared_data("faces/fer2013.npz")) as file:
        private = file["usage"] == training.PRIVATE_TEST
        kept = training.clear_majority(file["votes"][private])

    assert kept.sum() == 3137


@pytest.fixture
def raw(training, tmp_path):
    """Write three rows in the shared file's layout; the last test row is a copy."""
    images = training.generated_faces(3).images
    images[2] = images[0]
    happy, nobody = votes(happy=10), votes(nothing=10)
    np.savez(
        tmp_path / "raw.npz",
        image_deltas=np.diff(images, axis=2, prepend=np.uint8(0)),
        label=np.array([2, 5, 2], np.uint8),
        usage=np.array([0, 0, 2], np.uint8),
        votes=np.concatenate([happy, nobody, happy]),
        first_same=np.array([0, 1, 0], np.int32),
    )
    return tmp_path / "raw.npz"


def test_either_set_of_labels_has_the_other_beside_it(training, raw):
    voted = training.read_faces(raw, "ferplus", 0, copies=True)
    named = training.read_faces(raw, "fer2013", 0, copies=True)

    assert voted.targets.argmax(1).tolist() == [3, 3]
    assert voted.beside.argmax(1).tolist() == [2, 2]
    assert named.targets.argmax(1).tolist() == [2, 5, 2]
    assert named.beside.sum(1).tolist() == [1, 0, 1]


def test_copies_of_test_rows_train_only_where_asked(training, raw):
    kept = training.read_faces(raw, "fer2013", 0)
    all_of_them = training.read_faces(raw, "fer2013", 0, copies=True)

    assert len(kept.part(training.TRAINING).images) == 1
    assert len(all_of_them.part(training.TRAINING).images) == 2


def test_prepared_data_reads_as_the_original_without_privatetest(
    training, raw, tmp_path
):
    training.prepare(raw, tmp_path / "faces.npz")

    for copies in (False, True):
        one = training.read_faces(raw, "fer2013", 0, copies=copies)
        two = training.read_faces(tmp_path / "faces.npz", "fer2013", 0, copies=copies)
        one = one.where(one.usage != training.PRIVATE_TEST)
        for name in ("images", "targets", "beside", "usage"):
            np.testing.assert_array_equal(getattr(two, name), getattr(one, name))


def test_pictures_are_calmer_at_the_end(training):
    s = training.Settings(epochs=100, calm=0.3)

    assert training.calmed(s, 0) == training.calmed(s, 69) == s
    assert training.calmed(s, 70) == training.calmed(s, 99)
    assert training.calmed(s, 70).rotate < s.rotate
    assert training.calmed(s, 70).mixup < s.mixup
    still = np.full((64, 48, 48), 128, np.uint8)
    still[:, :, 24:] = 30
    torch.manual_seed(0)
    early, late = (
        training.augment(torch.from_numpy(still), training.calmed(s, e))
        for e in (0, 99)
    )
    assert late.std(0).mean() < early.std(0).mean()


def test_augmented_pictures_stay_in_range(training):
    faces = training.generated_faces(64)

    changed = training.augment(torch.from_numpy(faces.images), training.Settings())

    assert changed.shape == (64, 1, 48, 48)
    assert changed.min() >= 0
    assert changed.max() <= 1
    assert torch.isfinite(changed).all()


def test_softened_pictures_lose_detail_and_keep_their_light(training):
    x = torch.from_numpy(training.generated_faces(64).images).unsqueeze(1) / 255
    detail = lambda y: (y - torch.nn.functional.avg_pool2d(y, 3, 1, 1)).std()  # noqa: E731
    always, never = (training.Settings(soften=share) for share in (1, 0))

    soft = training.soften(x, always)

    assert torch.equal(training.soften(x, never), x)
    assert detail(soft) < 0.8 * detail(x)
    torch.testing.assert_close(soft.mean((2, 3)), x.mean((2, 3)), atol=0.02, rtol=0)


def test_a_killed_run_goes_on_where_it_was(training, settings, tmp_path):
    faces = training.generated_faces(200)
    torch.set_num_threads(1)
    training.Run(faces, settings).train()
    halves = dataclasses.replace(settings, out=str(tmp_path / "halves"))
    killed = training.Run(faces, halves)
    save = killed.save

    def save_and_die():
        save()
        raise KeyboardInterrupt

    killed.save = save_and_die
    with pytest.raises(KeyboardInterrupt):
        killed.train()

    training.Run(faces, halves).train()

    one, two = (
        torch.load(pathlib.Path(s.out) / "last.pt", weights_only=True)["average"]
        for s in (settings, halves)
    )
    for name, value in one.items():
        torch.testing.assert_close(two[name], value)


@pytest.mark.parametrize(
    "other",
    [
        {"channels": (8, 16, 24)},
        {"labels": "fer2013"},
        {"teacher": ("best.pt",)},
        {"start": "best.pt"},
    ],
)
def test_a_run_does_not_go_on_from_another(
    training, settings, tmp_path, monkeypatch, other
):
    monkeypatch.chdir(tmp_path)
    faces = training.generated_faces(100)
    training.Run(faces, settings).train()
    (name,) = other

    with pytest.raises(SystemExit, match=rf"another run \({name}\): give --out"):
        training.Run(faces, dataclasses.replace(settings, **other))


def test_a_run_goes_on_with_its_data_wherever_they_lie(training, settings):
    faces = training.generated_faces(100)
    training.Run(faces, settings).train()
    travelled = faces.where(faces.usage != training.PRIVATE_TEST)
    moved = dataclasses.replace(settings, data="elsewhere.npz", epochs=3)

    assert training.Run(travelled, moved).epoch == settings.epochs
    with pytest.raises(SystemExit, match=r"another run \(data\)"):
        training.Run(training.generated_faces(100, seed=1), settings)


def test_a_quick_run_has_a_folder_of_its_own(training, settings, tmp_path):
    assert training.quick(training.Settings()).out != training.Settings.out
    assert settings.out == str(tmp_path)


@pytest.mark.parametrize(("figure", "best"), [("loss", 2), ("accuracy", 3)])
def test_one_figure_chooses_the_weights_that_are_kept(
    training, settings, monkeypatch, figure, best
):
    read = iter([(0.9, 0.5), (0.7, 0.6), (0.8, 0.7), (0.8, 0.6)])
    kept = []

    def evaluate(net, *_):
        kept.append(net.head.weight.clone())
        return dict(zip(("loss", "accuracy"), next(read), strict=True))

    monkeypatch.setattr(training, "evaluate", evaluate)
    settings = dataclasses.replace(settings, epochs=4, choose=figure)
    run = training.Run(training.generated_faces(200), settings)

    run.train()

    assert torch.equal(run.best["net.head.weight"], kept[best - 1])


def test_fast_epochs_are_saved_together(training, settings, monkeypatch):
    rarely = dataclasses.replace(settings, save=1000.0)
    run = training.Run(training.generated_faces(100), rarely)
    saved = []
    monkeypatch.setattr(run, "save", lambda: saved.append(run.epoch))

    run.train()

    assert saved == [settings.epochs]


def test_a_checkpoint_becomes_a_model_that_ships(training, settings, tmp_path):
    training.Run(training.generated_faces(200), settings).train()

    subprocess.run(
        [
            *(sys.executable, "training/export_expression.py"),
            *(f"{tmp_path}/best.pt", "--uncalibrated", "--models", str(tmp_path)),
        ],
        check=True,
        cwd=ROOT,
        timeout=100,
    )

    expression.load(tmp_path / "expression.onnx").self_test()
    expression.load(tmp_path / "expression.ts").self_test()


def test_a_student_learns_from_teachers(training, settings, tmp_path):
    faces = training.generated_faces(100)
    training.Run(faces, settings).train()
    teacher = (str(tmp_path / "best.pt"),)
    student = dataclasses.replace(
        settings, teacher=teacher, out=str(tmp_path / "pupil")
    )

    training.Run(faces, student).train()

    assert (tmp_path / "pupil/best.pt").is_file()


def test_every_row_hears_one_of_the_teachers(training, settings):
    class Sure(torch.nn.Module):
        def __init__(self, label):
            super().__init__()
            self.logits = 50 * torch.eye(7)[EXPRESSIONS.index(label)]

        def forward(self, x):
            return self.logits.expand(len(x), 7), -self.logits.expand(len(x), 7)

    trusting = dataclasses.replace(settings, distil=1.0)
    run = training.Run(training.generated_faces(100), trusting)
    run.teachers = [Sure("sad"), Sure("fear"), Sure("happy")]
    nothing = torch.zeros(10, 7)

    targets, beside = run._taught(torch.zeros(10, 1, 48, 48), nothing, nothing)

    heard = [EXPRESSIONS[label] for label in targets.argmax(1)]
    assert heard == ["sad"] * 4 + ["fear"] * 3 + ["happy"] * 3
    assert beside[range(10), targets.argmax(1)].max() < 0.01


def test_other_labels_take_the_other_head(training, settings, tmp_path):
    training.Run(training.generated_faces(100), settings).train()

    same = training.load_learner(tmp_path / "best.pt", "ferplus")
    other = training.load_learner(tmp_path / "best.pt", "fer2013")

    assert torch.equal(other.net.head.weight, same.beside.weight)
    assert torch.equal(other.beside.weight, same.net.head.weight)
    assert not torch.equal(other.net.head.weight, same.net.head.weight)


def test_a_second_round_keeps_the_shape_of_the_first(training, settings, tmp_path):
    faces = training.generated_faces(100)
    odd = dataclasses.replace(settings, channels=(8, 24), blocks=(1, 2))
    training.Run(faces, odd).train()
    start, out = str(tmp_path / "best.pt"), str(tmp_path / "second")

    training.Run(faces, dataclasses.replace(settings, start=start, out=out)).train()

    assert training.load_net(f"{out}/best.pt").head.in_features == 24


def test_a_kept_network_is_small_says_the_same_and_names_no_place(
    training, settings, tmp_path
):
    wide = dataclasses.replace(settings, channels=(32, 128), blocks=(1, 1))
    faces = training.generated_faces(100)
    training.Run(faces, wide).train()
    source, path = tmp_path / "best.pt", tmp_path / "kept.pt"

    training.keep(source, path)

    assert path.stat().st_size < 0.35 * source.stat().st_size
    assert str(tmp_path).encode() not in path.read_bytes()
    images = torch.from_numpy(faces.images)
    whole, kept = (training.read(training.load_net(p), images) for p in (source, path))
    assert (whole - kept).norm() < 0.03 * whole.norm()
    assert not torch.equal(whole, kept)
    training.keep(path, tmp_path / "again.pt")
    again = training.read(training.load_net(tmp_path / "again.pt"), images)
    assert torch.equal(again, kept)


def test_the_network_s_own_answers_count_more_and_more(training, settings):
    """Own answers that all say happy, late in a run that trusts them, are learned."""
    faces = training.generated_faces(2000)
    trusting = dataclasses.replace(settings, own=1.0, epochs=11, ask=100)
    run = training.Run(faces, trusting)
    run.answers.copy_(torch.eye(7)[EXPRESSIONS.index("happy")])
    run.epoch = 10

    run.train()

    x = torch.from_numpy(faces.images[:100])
    run.net.train()  # one epoch is too short for the norms' running figures
    found = run.net(x.unsqueeze(1) / 255)[0].argmax(1)
    assert (found == EXPRESSIONS.index("happy")).float().mean() > 0.8


def test_the_network_is_asked_for_its_own_answers(training, settings):
    run = training.Run(training.generated_faces(200), settings)

    run.train()

    rows = len(run.rows[0])
    torch.testing.assert_close(run.answers.sum(1), torch.ones(rows))


def test_the_recipe_s_last_step_begins_in_a_fresh_checkout(tmp_path):
    recipe = (ROOT / "training/expression_full.sh").read_text()
    commit = recipe.split("git show ")[1].split(":")[0]
    known = ["git", "cat-file", "-e", commit]
    if subprocess.run(known, cwd=ROOT, check=False, capture_output=True).returncode:
        pytest.skip("the repository's history is not here")
    settings = {"STEPS": "finish", "PYTHON": "true", "RUNS": f"{tmp_path}/new/runs"}

    subprocess.run(
        ["training/expression_full.sh"],
        check=True,
        cwd=ROOT,
        env=os.environ | settings,
    )

    assert (tmp_path / "new/runs/former.pt").stat().st_size


def test_the_benchmark_says_that_it_needs_torch(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "expression_cnn", raising=False)
    monkeypatch.setattr(sys, "argv", ["bench_expression.py"])

    assert bench_expression.main() == 0
    assert "torch" in capsys.readouterr().out


@pytest.mark.slow
def test_the_notebook_runs_on_drawn_faces():
    pytest.importorskip("nbmake", reason="nbmake is not installed")

    subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"),
            *("--nbmake", "--override-ini", "addopts=", "--timeout=110"),
            "training/01_expression_cnn.ipynb",
        ],
        check=True,
        cwd=ROOT,
        env=os.environ | {"MOODCAM_QUICK": "1"},
    )
