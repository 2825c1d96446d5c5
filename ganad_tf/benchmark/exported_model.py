"""Speed of an exported model of the default sizes."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time

from ganad_tf.benchmark import load
from ganad_tf.benchmark import synthetic
from ganad_tf.benchmark import timing
from ganad_tf.serving import export

_NUM_STARTS = 3


def measure(score_tool: str, plan: load.LoadPlan) -> dict[str, timing.Figure]:
    """Measures the first answer of a new process, and a server under load.

    Args:
        score_tool: Path of `score_images.py`.
        plan: What clients do to the server.

    Returns:
        figures: Seconds to the first answer, and those of `load.measure`.
    """
    detector = synthetic.fit_detector(synthetic.build_gan())
    with tempfile.TemporaryDirectory() as folder:
        path = export.export_detector(
            detector, os.path.join(folder, "model"), name="benchmark", facts={}
        )
        images = os.path.join(folder, "images")
        os.mkdir(images)
        synthetic.write_pngs(images, 1)
        seconds = [
            _first_answer(score_tool, path, images) for _ in range(_NUM_STARTS)
        ]
        name = "first answer of score_images.py in a new process, s"
        return {name: timing.summarize(seconds), **load.measure(path, plan)}


def _first_answer(score_tool: str, saved_model: str, images: str) -> float:
    """Seconds from the start of a process to its end, which has scored."""
    # A new process: imports and the load of the model are part of the answer.
    start = time.perf_counter()
    subprocess.run(
        [
            sys.executable,
            score_tool,
            f"--saved_model={saved_model}",
            f"--images={images}",
            f"--output={os.path.join(images, 'scores.csv')}",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    return time.perf_counter() - start
