"""Loads an exported model behind a server with many clients at once.

    python tools/benchmark_serving.py --saved_model=saved_models/solar \
        --num_requests=2000 --num_clients=16

The server stands in for TensorFlow Serving and runs the model in the same C++
runtime, on this machine; clients and server share its cores. A tenth of the
images is corrupt: every good image must get its right score and every bad one
a reason. Prints one JSON.

    python tools/benchmark_serving.py --saved_model=saved_models/solar \
        --signatures=score --num_requests=10000 --seconds=600 --num_swaps=3

spreads the requests over ten minutes, in which three new versions appear.
"""

import json

from absl import flags

import cli
import load_cli
from ganad_tf.benchmark import load
from ganad_tf.benchmark import process_memory
from ganad_tf.errors import UserError

_SAVED_MODEL = flags.DEFINE_string(
    "saved_model",
    None,
    "SavedModel: a version's folder, or that of versions.",
    required=True,
)


def main() -> None:
    obstacle = process_memory.obstacle()
    if obstacle:
        raise UserError(f"The server's memory cannot be measured: {obstacle}")
    figures = load.measure(_SAVED_MODEL.value, load_cli.load_plan())
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    cli.run(main)
