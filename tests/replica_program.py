"""Trains on parts of the CPU, and prints what one, two and four of them gave.

A process of its own: how many devices there are is decided before TensorFlow
starts.
"""

import json
import os
import subprocess
import sys

# Numbers of devices that train each model. A field's step takes longer.
SIZES = {"gan": (1, 2, 4), "field": (1, 2)}
BATCH_SIZE = 8


def results() -> dict:
    """Logs, weights and perhaps scores by model and number of devices."""
    return {
        name: {size: _results_of(name, size) for size in sizes}
        for name, sizes in SIZES.items()
    }


def _results_of(name: str, size: int) -> dict:
    # TensorFlow's collectives take one strategy in a process.
    ran = subprocess.run(
        [sys.executable, os.path.abspath(__file__), name, str(size)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    if ran.returncode:
        raise RuntimeError(ran.stderr)
    return json.loads(ran.stdout.splitlines()[-1])


def _main(name: str, size: int) -> None:
    import numpy as np
    import tensorflow as tf

    from ganad_tf import replicas
    from ganad_tf.training import distribution

    # Makes the devices, first of all; fewer of them are taken below.
    distribution.open_strategy(("CPU:0", "CPU:1", "CPU:2", "CPU:3"))

    from conftest import tiny_config

    from ganad_tf.benchmark.drawn_parts import make_parts
    from ganad_tf.benchmark.drawn_parts import scratch
    from ganad_tf.detector import detector
    from ganad_tf.detector.weights_digest import inference_weights
    from ganad_tf.training import building
    from ganad_tf.training import field_run
    from ganad_tf.training import loop

    parts = make_parts(2 * BATCH_SIZE, seed=0)
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
        dataset = tf.data.Dataset.from_tensor_slices(parts)
        size = BATCH_SIZE // share.num_replicas
        return dataset.batch(size, drop_remainder=True).repeat()

    def train(make_model, size):
        devices = [f"CPU:{index}" for index in range(size)]
        strategy = (
            tf.distribute.MirroredStrategy(devices)
            if size > 1
            else tf.distribute.get_strategy()
        )
        with strategy.scope():
            model = make_model()
            # To trace a step of each replica takes longer than to take it.
            model.run_eagerly = True
            history = model.fit(
                replicas.distributed(batches),
                steps_per_epoch=1,
                epochs=2,
                shuffle=False,
                verbose=0,
            ).history
        weights = np.concatenate([np.ravel(w) for w in model.get_weights()])
        logs = {name: np.ravel(v).tolist() for name, v in history.items()}
        return {"logs": logs, "weights": weights.tolist()}, model

    def scores_by(trained):
        """Scores of good and of scratched parts."""
        made, other = (
            detector.build_detector(gan, method="joint", alpha=0.1, num_steps=2)
            for gan in (make_gan(), trained)
        )
        for own, weight in zip(
            *map(inference_weights, (made, other)), strict=True
        ):
            own.assign(tf.convert_to_tensor(weight))
        made.fit([make_parts(48, seed=1)], [make_parts(24, seed=2)])
        new = make_parts(20, seed=3)
        images = np.concatenate([new, scratch(new)])
        return made.detect_batches([images]).anomaly_scores.tolist()

    makers = {"gan": make_gan, "field": make_field}
    found, model = train(makers[name], size)
    if name == "gan" and size <= 2:
        found["scores"] = scores_by(model)
    print(json.dumps(found))


if __name__ == "__main__":
    _main(sys.argv[1], int(sys.argv[2]))
