"""`light_cli` with a quiet start of TensorFlow, for the tools that need it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# TensorFlow's own default is on for the newest CPUs alone; the kernels of
# oneDNN make training and inversion about 1.5 times as fast on others, too.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")


@contextlib.contextmanager
def _without_native_chatter() -> Iterator[None]:
    """Drops what native libraries print while they start, errors excepted.

    TensorFlow reports missing GPUs on every start, before any log level can
    be set. Python's exceptions pass.
    """
    kept = os.dup(2)
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


with _without_native_chatter():
    import tensorflow as tf

    for _gpu in tf.config.list_physical_devices("GPU"):
        tf.config.experimental.set_memory_growth(_gpu, True)

tf.get_logger().setLevel("ERROR")

from light_cli import finish
from light_cli import run
from light_cli import run_with_more

__all__ = ["finish", "run", "run_with_more"]
