"""Turn musicnn's TensorFlow checkpoint into ONNX, without TensorFlow.

MSD_musicnn (Pons and Serra 2019, arXiv:1909.06654; PyPI package musicnn 0.1.0,
ISC licence) is published as a TensorFlow 1 checkpoint. Two facts make TensorFlow
unnecessary: a checkpoint's index is a LevelDB table whose values are small
protocol buffers (tensorflow/core/protobuf/tensor_bundle.proto), and the network
is small enough to be written down again from the package's `models.py`.

The network takes log-mel patches and gives what the song heads read: the 200
values of the layer before the last, and the 50 tags.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    Weights = dict[str, NDArray[np.float32]]

FRAMES, MELS = 187, 96
"""A patch: 187 frames of 256 samples at 16 kHz, 2.99 s; 96 mel bands."""

EPSILON = 1e-3
"""What TensorFlow adds to the variance in a batch normalisation."""

TABLE_MAGIC = bytes.fromhex("57fb808b247547db")
TYPE, SHAPE, OFFSET, SIZE = 1, 2, 4, 5
"""Fields of a BundleEntryProto."""

FLOAT32 = 1


def convert(index: Path, data: Path, target: Path) -> None:
    """Write the network of a checkpoint's two files to `target`.

    The ONNX file has the input `patches` float32 [N, 187, 96] and the outputs
    `embedding` float32 [N, 200] and `tags` float32 [N, 50], each tag 0 … 1.
    Raises `ValueError` where `index` is no checkpoint's index.
    """
    model = _Network().build(read_checkpoint(index, data))
    onnx.checker.check_model(model)
    target.write_bytes(model.SerializeToString())


def read_checkpoint(index: Path, data: Path) -> Weights:
    """Return the float32 variables of a TensorFlow checkpoint by their names.

    The optimiser's own copies are left out.
    """
    values = data.read_bytes()
    return {
        name: _tensor(entry, values)
        for name, entry in _table(index.read_bytes())
        if name and "Adam" not in name and entry.get(TYPE) == FLOAT32
    }


def _tensor(entry: dict[int, Any], data: bytes) -> NDArray[np.float32]:
    sizes = _repeated(entry.get(SHAPE, b""), 2)
    shape = [_fields(size).get(1, 0) for size in sizes]
    offset = entry.get(OFFSET, 0)
    flat = np.frombuffer(data[offset : offset + entry[SIZE]], "<f4")
    return flat.reshape(shape)


def _table(index: bytes) -> Iterator[tuple[str, dict[int, Any]]]:
    footer = index[-48:]
    if footer[-8:] != TABLE_MAGIC:
        raise ValueError("This is not the index of a TensorFlow checkpoint.")
    _, at = _varint(footer, 0)
    _, at = _varint(footer, at)
    for _, handle in _block(index, footer[at:]):
        for key, value in _block(index, handle):
            yield key.decode(), _fields(value)


def _block(data: bytes, handle: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the keys and values of a LevelDB block; keys share their beginnings."""
    offset, at = _varint(handle, 0)
    size, _ = _varint(handle, at)
    if data[offset + size] != 0:
        raise ValueError("The checkpoint's index is compressed, which none is.")
    block = data[offset : offset + size]
    restarts = struct.unpack("<I", block[-4:])[0]
    at, end, key = 0, size - 4 * (restarts + 1), b""
    while at < end:
        shared, at = _varint(block, at)
        own, at = _varint(block, at)
        length, at = _varint(block, at)
        key = key[:shared] + block[at : at + own]
        at += own
        yield key, block[at : at + length]
        at += length


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def _wire(message: bytes) -> Iterator[tuple[int, Any]]:
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        number, kind = tag >> 3, tag & 7
        if kind == 0:
            value, at = _varint(message, at)
        elif kind == 5:
            value, at = message[at : at + 4], at + 4
        else:
            length, at = _varint(message, at)
            value, at = message[at : at + length], at + length
        yield number, value


def _fields(message: bytes) -> dict[int, Any]:
    return dict(_wire(message))


def _repeated(message: bytes, number: int) -> list[bytes]:
    return [value for field, value in _wire(message) if field == number]


class _Network:
    """The graph of `build_musicnn` in the package's models.py, at inference."""

    def __init__(self) -> None:
        self._nodes: list[Any] = []
        self._constants: list[Any] = []

    def build(self, weights: Weights) -> Any:  # noqa: ANN401  onnx has no types
        self._weights = weights
        embedding, tags = self._layers()
        value = helper.make_tensor_value_info
        graph = helper.make_graph(
            self._nodes,
            "MSD_musicnn",
            [value("patches", TensorProto.FLOAT, ["N", FRAMES, MELS])],
            [
                value(embedding, TensorProto.FLOAT, ["N", 200]),
                value(tags, TensorProto.FLOAT, ["N", 50]),
            ],
            self._constants,
        )
        return helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8
        )

    def _layers(self) -> tuple[str, str]:
        heard = self._frontend()
        layers = [heard, *self._midend(heard)]
        together = self._node("Concat", *layers, axis=1)  # [N, 753, 187, 1]
        return self._backend(together)

    def _frontend(self) -> str:
        """Timbre (tall filters) and rhythm (long ones), maxima over frequency."""
        image = self._node("Unsqueeze", "patches", self._ints(1))
        image = self._affine(image, "batch_normalization", 4)
        blocks = [
            self._heard(image, number, padding)
            for number, padding in enumerate(
                [(3, 3), (3, 3), (63, 64), (31, 32), (15, 16)]
            )
        ]
        return self._node("Concat", *blocks, axis=1)

    def _heard(self, image: str, number: int, padding: tuple[int, int]) -> str:
        """Return max over frequency of norm(relu(conv)) as [N, channels, 187, 1].

        The maximum is taken first: the norm is a rising line per channel, or a
        falling one where its factor is negative; there the filter is turned
        round. The same numbers with a 60th of the work behind the filter.
        """
        kernel, bias = self._convolution(number)
        factor, offset = self._norm(f"batch_normalization_{number + 1}")
        sign = np.where(factor < 0, -1.0, 1.0).astype(np.float32)
        high = self._node(
            "Conv",
            image,
            self._constant(kernel * sign[:, None, None, None]),
            self._constant(bias * sign),
            pads=[padding[0], 0, padding[1], 0],
        )
        high = self._node("ReduceMax", high, axes=[3], keepdims=1)
        risen = self._node("Mul", high, self._constant(sign[:, None, None]))
        risen = self._node("Relu", risen)
        return self._scaled(risen, factor, offset, 4)

    def _midend(self, heard: str) -> list[str]:
        """Three layers along time; the second and third add to what they read."""
        first = self._along_time(heard, 5, "batch_normalization_6")
        second = self._along_time(first, 6, "batch_normalization_7")
        second = self._node("Add", second, first)
        third = self._along_time(second, 7, "batch_normalization_8")
        third = self._node("Add", third, second)
        return [first, second, third]

    def _along_time(self, layer: str, number: int, norm: str) -> str:
        kernel, bias = self._convolution(number)  # [64, 1, 7, channels]
        swapped = kernel.transpose(0, 3, 2, 1).copy()  # channels first
        out = self._node(
            "Conv",
            layer,
            self._constant(swapped),
            self._constant(bias),
            pads=[3, 0, 3, 0],
        )
        return self._affine(self._node("Relu", out), norm, 4)

    def _backend(self, layers: str) -> tuple[str, str]:
        highest = self._node("ReduceMax", layers, axes=[2, 3], keepdims=0)
        mean = self._node("ReduceMean", layers, axes=[2, 3], keepdims=0)
        pooled = self._node("Concat", highest, mean, axis=1)
        factor, offset = self._norm("batch_normalization_9")
        pooled = self._scaled(pooled, _apart(factor), _apart(offset), 2)
        dense = self._dense(pooled, _apart(self._weights["dense/kernel"]), "dense")
        dense = self._node("Relu", dense)
        embedding = self._affine(dense, "batch_normalization_10", 2, "embedding")
        logits = self._dense(embedding, self._weights["dense_1/kernel"], "dense_1")
        return embedding, self._node("Sigmoid", logits, name="tags")

    def _dense(self, layer: str, kernel: NDArray[np.float32], name: str) -> str:
        bias = self._constant(self._weights[f"{name}/bias"])
        return self._node("Gemm", layer, self._constant(kernel), bias)

    def _convolution(
        self, number: int
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        name = f"conv2d_{number}" if number else "conv2d"
        kernel = self._weights[f"{name}/kernel"]  # time, frequency, in, out
        return kernel.transpose(3, 2, 0, 1).copy(), self._weights[f"{name}/bias"]

    def _norm(self, name: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        read = {
            key: self._weights[f"{name}/{key}"]
            for key in ("gamma", "beta", "moving_mean", "moving_variance")
        }
        factor = read["gamma"] / np.sqrt(read["moving_variance"] + EPSILON)
        offset = read["beta"] - read["moving_mean"] * factor
        return factor.astype(np.float32), offset.astype(np.float32)

    def _affine(self, layer: str, norm: str, rank: int, name: str = "") -> str:
        return self._scaled(layer, *self._norm(norm), rank, name)

    def _scaled(
        self,
        layer: str,
        factor: NDArray[np.float32],
        offset: NDArray[np.float32],
        rank: int,
        name: str = "",
    ) -> str:
        shape = (-1,) + (1,) * (rank - 2)
        scaled = self._node("Mul", layer, self._constant(factor.reshape(shape)))
        return self._node(
            "Add", scaled, self._constant(offset.reshape(shape)), name=name
        )

    def _node(self, kind: str, *inputs: str, name: str = "", **options: Any) -> str:  # noqa: ANN401
        name = name or f"{kind.lower()}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, inputs, [name], **options))
        return name

    def _constant(self, value: NDArray[Any]) -> str:
        name = f"constant_{len(self._constants)}"
        self._constants.append(
            numpy_helper.from_array(np.ascontiguousarray(value), name)
        )
        return name

    def _ints(self, *values: int) -> str:
        return self._constant(np.array(values, np.int64))


def _apart(pairs: NDArray[np.float32]) -> NDArray[np.float32]:
    """Reorder max, mean, max, mean, … (TensorFlow's) to all maxima, all means."""
    return np.concatenate([pairs[0::2], pairs[1::2]])
