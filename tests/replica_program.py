"""Trains on one, two and four parts of the CPU, and prints what they gave.

A process of its own: how many devices there are is decided before TensorFlow
starts.
"""

import json
import os
import subprocess
import sys

import numpy as np

SIZES = (1, 2, 4)
BATCH_SIZE = 8


def results() -> dict:
    """Logs and weights by model and number of devices."""
    ran = subprocess.run(
        [sys.executable, os.path.abspath(__file__)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    if ran.returncode:
        raise RuntimeError(ran.stderr)
    return json.loads(ran.stdout.splitlines()[-1])


def _main() -> None:
    import tensorflow as tf
    from conftest import tiny_config

    from ganad_tf import replicas
    from ganad_tf.benchmark.drawn_parts import make_parts
    from ganad_tf.training import building
    from ganad_tf.training import distribution
    from ganad_tf.training import field_run
    from ganad_tf.training import loop

    # Creates the logical devices; fewer of them are taken below.
    distribution.open_strategy(tuple(f"CPU:{i}" for i in range(max(SIZES))))
    parts = make_parts(3 * BATCH_SIZE, seed=0)
    # Batch statistics are frozen after the first of two steps.
    config = tiny_config(
        width=2, num_steps=2, field_size=(32, 32), field_width=8, field_steps=2
    )

    def make_gan():
        gan = building.build_gan(config)
        loop.fit_linear_head(gan, parts, config)
        return gan

    def make_field():
        return field_run.build_field_discriminator(config)

    def batches(share):
        dataset = tf.data.Dataset.from_tensor_slices(parts).repeat()
        return dataset.batch(
            BATCH_SIZE // share.num_replicas, drop_remainder=True
        )

    def trained(make_model, size):
        devices = [f"CPU:{index}" for index in range(size)]
        strategy = (
            tf.distribute.MirroredStrategy(devices)
            if size > 1
            else tf.distribute.get_strategy()
        )
        with strategy.scope():
            model = make_model()
            # Tracing a step for seven replicas takes longer than taking it.
            model.run_eagerly = True
            history = model.fit(
                replicas.distributed(batches),
                steps_per_epoch=1,
                epochs=2,
                shuffle=False,
                verbose=0,
            ).history
        weights = np.concatenate([np.ravel(w) for w in model.get_weights()])
        return {"logs": history, "weights": weights.tolist()}

    print(
        json.dumps(
            {
                name: {size: trained(make_model, size) for size in SIZES}
                for name, make_model in (
                    ("gan", make_gan),
                    ("field", make_field),
                )
            }
        )
    )


if __name__ == "__main__":
    _main()
