"""The benches on a machine that has none of the data they measure on."""

import os
import pathlib
import subprocess
import sys

import pytest

pytest.importorskip("cv2", reason="OpenCV is not installed")
pytest.importorskip("sklearn", reason="scikit-learn is not installed")
ROOT = pathlib.Path(__file__).parents[1]


@pytest.mark.parametrize(
    "bench",
    [
        "bench_audio.py --accuracy",
        "bench_clusters.py --tables",
        "bench_expression.py",
        "bench_faces.py",
        "bench_match.py",
        "bench_quality.py",
    ],
)
def test_a_bench_says_how_it_was_run_and_what_it_skips(bench, tmp_path):
    command = f"tests/bench/{bench}"
    done = subprocess.run(
        [sys.executable, *command.split()],
        check=True,
        cwd=ROOT,
        env=os.environ | {"MOODCAM_SHARED": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.stdout.startswith(f"$ python {command}\n# ")
    assert "SKIPPED: " in done.stdout
