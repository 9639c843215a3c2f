"""ONNX Runtime, with one thread and without its telemetry.

Its official builds write a device's identifier to disk and report their use to
Microsoft, unless they are told not to before they are loaded (its Privacy.md).
"""

from __future__ import annotations

import os
from typing import Any

QUIETER = 3
"""Log nothing below errors."""


def switch_telemetry_off() -> None:
    """Forbid it for this process; to be called before anything imports the library."""
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"


def session(model: bytes | str) -> Any:  # noqa: ANN401  the library may not be there
    """Load a model, by its bytes or its path, onto one thread of the CPU.

    Raises `ImportError` where ONNX Runtime is not installed.
    """
    switch_telemetry_off()
    import onnxruntime  # noqa: PLC0415  only what uses it pays

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = QUIETER
    return onnxruntime.InferenceSession(
        model, options, providers=["CPUExecutionProvider"]
    )
