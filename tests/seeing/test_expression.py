from __future__ import annotations

import csv
import io
import json
import pathlib
import subprocess
import sys
import zipfile

import numpy as np
import pytest

from mopidy_moodcam import resources
from mopidy_moodcam.glossary import EXPRESSIONS
from mopidy_moodcam.seeing import expression
from tests.shared import shared_data

RUNTIMES = ("torchscript", "onnx")


@pytest.fixture(scope="module", params=RUNTIMES)
def model(request):
    if request.param == "torchscript":
        pytest.importorskip("torch", reason="torch is not installed")
    return expression.load(runtime=request.param)


@pytest.fixture(scope="module")
def both():
    pytest.importorskip("torch", reason="torch is not installed")
    return [expression.load(runtime=runtime) for runtime in RUNTIMES]


def noise(*shape):
    return np.random.default_rng(7).integers(0, 256, shape, dtype=np.uint8)


def test_answers_are_calibrated_rows_in_the_glossary_s_order(model):
    found = model([noise(48, 48), noise(130, 130), noise(31, 57)])

    assert model.labels == EXPRESSIONS
    assert model.input_size == 48
    assert found.dtype == np.float32
    assert found.shape == (3, 7)
    assert found.min() >= 0
    np.testing.assert_allclose(found.sum(1), 1, atol=1e-5)


def test_no_crop_gives_no_row(model):
    assert model([]).shape == (0, 7)


def test_the_self_test_passes_on_what_ships(model):
    model.self_test()


@pytest.mark.parametrize("side", [1, 13, 47, 48, 49, 96, 200, 333])
def test_both_runtimes_agree_at_every_size(both, side):
    crops = list(noise(4, side, side))

    first, second = (model(crops) for model in both)

    np.testing.assert_allclose(first, second, atol=1e-4)


def test_both_runtimes_agree_on_crops_that_are_not_square(both):
    first, second = (model([noise(70, 41), noise(33, 90)]) for model in both)

    np.testing.assert_allclose(first, second, atol=1e-4)


def test_a_batch_gives_what_single_crops_give(model):
    crops = list(noise(5, 64, 64))

    np.testing.assert_allclose(
        model(crops), np.concatenate([model([crop]) for crop in crops]), atol=1e-5
    )


def test_light_and_contrast_of_the_camera_do_not_change_the_answer(model):
    face = expression.reference_face()
    dim = np.round(face * 0.4 + 3).astype(np.uint8)

    np.testing.assert_allclose(model([dim]), model([face]), atol=0.06)


def test_the_mirrored_face_reads_the_same(model):
    face = noise(48, 48)

    mirrored = np.ascontiguousarray(face[:, ::-1])

    np.testing.assert_allclose(model([mirrored]), model([face]), atol=1e-4)


def test_a_larger_picture_of_a_face_reads_the_same(model):
    face = expression.reference_face()
    large = face.repeat(4, 0).repeat(4, 1)

    np.testing.assert_allclose(model([large]), model([face]), atol=0.05)


def test_flat_and_saturated_crops_give_finite_answers(model):
    flat = [np.full((60, 60), level, np.uint8) for level in (0, 127, 255)]

    assert np.isfinite(model(flat)).all()


@pytest.mark.parametrize(
    "crop",
    [
        np.zeros((48, 48), np.float32),
        np.zeros((48, 48, 3), np.uint8),
        np.zeros((0, 48), np.uint8),
    ],
)
def test_what_is_no_grey_crop_is_refused_in_one_sentence(model, crop):
    with pytest.raises(ValueError, match=r"must be uint8 \[H,W\]"):
        model([crop])


class Wrong:
    """A network that scales, orders or answers wrongly."""

    labels = EXPRESSIONS
    input_size = 48

    def __init__(self, inner, change):
        self.reference = inner._network.reference
        self.inner, self.change = inner, change

    def run(self, crops):
        return self.change(self.inner, crops)


def test_the_self_test_notices_a_model_that_forgets_the_contrast(model):
    stretched = Wrong(
        model, lambda inner, crops: inner(list((crops > 120).astype(np.uint8) * 255))
    )

    with pytest.raises(expression.UnusableModel, match="test picture"):
        expression.ExpressionModel(stretched, "onnx").self_test()


def test_the_self_test_notices_swapped_outputs(model):
    swapped = Wrong(
        model, lambda inner, crops: inner(list(crops))[:, [3, 1, 2, 0, 4, 5, 6]]
    )

    with pytest.raises(expression.UnusableModel, match="test picture"):
        expression.ExpressionModel(swapped, "onnx").self_test()


def test_the_self_test_notices_another_order_of_labels(model):
    other = Wrong(model, lambda inner, crops: inner(list(crops)))
    other.labels = tuple(sorted(EXPRESSIONS))

    with pytest.raises(expression.UnusableModel, match="expected: angry, disgust"):
        expression.ExpressionModel(other, "onnx").self_test()


def test_auto_takes_what_the_file_name_says():
    assert expression.load(resources.model_path("expression.onnx")).runtime == "onnx"


def test_auto_takes_torch_where_onnx_runtime_is_absent(monkeypatch):
    pytest.importorskip("torch", reason="torch is not installed")
    monkeypatch.setattr(expression, "_installed", lambda name: name != "onnx")

    assert expression.load().runtime == "torchscript"


def test_a_missing_runtime_names_the_command_that_brings_it(monkeypatch):
    monkeypatch.setattr(expression, "_installed", lambda _: False)

    with pytest.raises(expression.UnusableModel, match=r"-m pip install onnxruntime$"):
        expression.load(runtime="onnx")


def test_an_unknown_runtime_names_those_there_are():
    with pytest.raises(expression.UnusableModel, match="auto, torchscript, onnx"):
        expression.load(runtime="tflite")


def test_a_missing_model_is_said_in_one_sentence(tmp_path):
    with pytest.raises(
        resources.MissingFile, match=r"no expression model at .*nothing"
    ):
        expression.load(tmp_path / "nothing.onnx")


@pytest.mark.parametrize("name", ["expression.ts", "expression.onnx"])
@pytest.mark.parametrize("damage", ["empty", "text", "half"])
def test_a_damaged_model_is_said_in_one_sentence(tmp_path, name, damage):
    whole = resources.model_path(name).read_bytes()
    broken = {"empty": b"", "text": b"not a model", "half": whole[: len(whole) // 2]}
    (tmp_path / name).write_bytes(broken[damage])

    with pytest.raises(expression.UnusableModel, match="may be damaged") as caught:
        expression.load(tmp_path / name)

    assert "\n" not in str(caught.value)


def test_onnx_runtime_alone_does_not_import_torch():
    code = (
        "import sys; from mopidy_moodcam.seeing import expression;"
        "expression.load(runtime='onnx').self_test(); print('torch' in sys.modules)"
    )

    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        check=True,
        capture_output=True,
        text=True,
        cwd=pathlib.Path(__file__).parents[2],
    )

    assert done.stdout.strip() == "False"


def test_the_files_that_ship_are_small_enough():
    sizes = [
        resources.model_path(name).stat().st_size for name in expression.FILES.values()
    ]

    assert sum(sizes) < 14_000_000


def test_a_missing_weight_names_the_command_that_fetches_it():
    with pytest.raises(resources.MissingFile, match="run: "):
        resources.weight_path("no-such-detector.onnx")


def test_a_missing_shipped_model_names_the_command_that_mends_it():
    with pytest.raises(resources.MissingFile, match="pip install"):
        resources.model_path("no-such-model.ts")


def london(label):
    cv2 = pytest.importorskip("cv2")
    with zipfile.ZipFile(shared_data("faces/london_dev.zip")) as photos:
        name = next(n for n in photos.namelist() if n.endswith("labels.csv"))
        folder = name.removesuffix("labels.csv")
        rows = csv.DictReader(io.StringIO(photos.read(name).decode()))
        for row in rows:
            if row["expression"] == label:
                data = np.frombuffer(photos.read(folder + row["file"]), np.uint8)
                photo = cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)
                # the set is aligned: the face fills this square in all of them
                yield np.ascontiguousarray(photo[170:510, 150:490])


@pytest.mark.parametrize("label", ["happy", "neutral"])
def test_smiles_and_resting_faces_are_told_apart(label):
    model = expression.load(runtime="onnx")

    found = model(list(london(label))).mean(0)

    happy, neutral = EXPRESSIONS.index("happy"), EXPRESSIONS.index("neutral")
    assert (found[happy] > found[neutral]) == (label == "happy")


def test_the_labels_in_the_onnx_file_are_readable_without_this_package():
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession(str(resources.model_path("expression.onnx")))

    about = session.get_modelmeta().custom_metadata_map

    assert json.loads(about["labels"]) == list(EXPRESSIONS)
    assert json.loads(about["input_size"]) == 48
