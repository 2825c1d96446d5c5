"""Compares the detector with a latent search as its peers run it.

    python tools/benchmark_peers.py --data=elpv:mono --model_dir=model

The peer is AnoGAN's search (Schlegl et al. 2017) through the same generator:
Adam, 500 steps, a random start, one image at a time; the loss and the score
are .9 of the mean absolute residual and .1 of that of the discriminator's last
features. It is compiled as one loop and gets decoded images, both in its
favour. Its batched form gives the same scores, since every image has a start
of its own; a few images are searched for one by one to see that and to take
the time, alternately with ours from PNG files to verdicts.

Prints one JSON: images/s of each, ours as a ratio to the peer, and the AUROC
of all on the same test images, drawn evenly, with the 95 % bootstrap interval
of the difference. Ours is also measured with ten steps, calibrated anew.
"""

import os

import cli  # before TensorFlow

# isort: split
import keras
import numpy as np
import tensorflow as tf
from absl import flags

import benchmark_cli
from ganad_tf import dataset
from ganad_tf import detector as detectors
from ganad_tf import evaluation
from ganad_tf import images
from ganad_tf import speed_dial
from ganad_tf import training

_DATA = flags.DEFINE_string(
    "data", None, "For --model_dir: the --data that its GAN was trained on."
)
_MODEL_DIR = flags.DEFINE_string(
    "model_dir", None, "Trained and fitted model of whole images."
)
_NUM_IMAGES = flags.DEFINE_integer(
    "num_peer_images", 192, "Test images of the AUROCs.", lower_bound=2
)
_PEER_STEPS = flags.DEFINE_integer(
    "peer_steps", 500, "Steps of the peer's search.", lower_bound=1
)
_NUM_ALONE = 2  # images a run that are searched for one at a time
_BATCH = 64
RATE = 0.05
_FEATURE_WEIGHT = 0.1


class AnoGanSearch:
    """AnoGAN's latent search, as a reference: a plain Adam loop."""

    def __init__(self, gan, num_steps: int):
        self.gan = gan
        self.num_steps = num_steps
        discriminator = gan.discriminator
        self.features = keras.Model(
            discriminator.input, discriminator.layers[-1].input
        )
        self.scores = tf.function(self._search, reduce_retracing=True)

    def losses(self, image_batch, latents):
        """Of each image: what the search makes less, and the score."""
        fakes = self.gan.generate(latents)
        residual = tf.reduce_mean(tf.abs(image_batch - fakes), [1, 2, 3])
        features = tf.reduce_mean(
            tf.abs(
                self.features(image_batch, training=False)
                - self.features(fakes, training=False)
            ),
            axis=1,
        )
        return (1 - _FEATURE_WEIGHT) * residual + _FEATURE_WEIGHT * features

    def _search(self, image_batch, starts):
        """Losses (batch,) at the end of the search: the scores."""
        latents = starts
        first, second = tf.zeros_like(starts), tf.zeros_like(starts)
        for step in tf.range(1, self.num_steps + 1):
            with tf.GradientTape() as tape:
                tape.watch(latents)
                losses = self.losses(image_batch, latents)
            gradients = tape.gradient(losses, latents)
            first = 0.9 * first + 0.1 * gradients
            second = 0.999 * second + 0.001 * gradients**2
            count = tf.cast(step, tf.float32)
            unbiased = first / (1.0 - 0.9**count)
            scale = tf.sqrt(second / (1.0 - 0.999**count)) + 1e-8
            latents -= RATE * unbiased / scale
        return self.losses(image_batch, latents)


def _drawn(files, count: int):
    """Test files spread evenly over those of each label."""
    chosen = []
    for label in (0, 1):
        of_label = [file for file in files if file.label == label]
        number = min(count // 2, len(of_label))
        rows = np.linspace(0, len(of_label) - 1, number).astype(int)
        chosen += [of_label[row] for row in rows]
    return chosen


def _batches(detector, files) -> tf.data.Dataset:
    *size, channels = detector.image_shape
    return images.image_dataset(
        [file.path for file in files],
        image_size=tuple(size),
        channels=channels,
        batch_size=_BATCH,
    )


def _with_steps(detector, split, num_steps: int):
    """The detector with other steps, fitted and calibrated anew."""
    train, calibration = (
        _batches(detector, files) for files in (split.train, split.calibration)
    )
    return speed_dial.refit(detector, train, calibration, num_steps=num_steps)


def _peer(search, test: np.ndarray):
    """Scores of all images in batches, and both forms' images/s."""
    starts = search.gan.sample_latents(len(test), seed=tf.constant([0, 0]))
    parts = [
        search.scores(test[row : row + _BATCH], starts[row : row + _BATCH])
        for row in range(0, len(test), _BATCH)
    ]

    def alone() -> list:
        return [
            search.scores(test[row : row + 1], starts[row : row + 1]).numpy()
            for row in range(_NUM_ALONE)
        ]

    scores = np.concatenate(parts)
    apart = np.abs(np.concatenate(alone()) / scores[:_NUM_ALONE] - 1).max()
    figures = {
        "one at a time": benchmark_cli.measure(alone, _NUM_ALONE),
        f"batches of {_BATCH}": benchmark_cli.measure(
            lambda: search.scores(test[:_BATCH], starts[:_BATCH]).numpy(),
            min(_BATCH, len(test)),
        ),
    }
    figures["one at a time"]["scores differ from the batched by"] = apart
    return scores, figures


def _ours(detector, files, labels, peer_scores, peer_rate) -> dict:
    batches = _batches(detector, files)
    found = benchmark_cli.measure(
        lambda: detector.detect_batches(batches), len(files)
    )
    scores = detector.detect_batches(batches).anomaly_scores
    low, high = evaluation.auroc_difference_ci95(labels, scores, peer_scores)
    return {
        **found,
        "times the peer": found["median"] / peer_rate,
        "AUROC": evaluation.auroc(labels, scores),
        "AUROC above the peer's, from": low,
        "to": high,
    }


def measure(model_dir: str, data: str) -> dict[str, benchmark_cli.Figure]:
    """Returns figures of peer and ours by name."""
    gan = training.load_gan(model_dir)
    detector = detectors.OneClassDetector.load(
        os.path.join(model_dir, "detector"), gan
    )
    split = dataset.load_split(
        os.path.join(model_dir, dataset.SPLIT_NAME), data=data
    )
    count = 8 if benchmark_cli.QUICK.value else _NUM_IMAGES.value
    num_steps = 20 if benchmark_cli.QUICK.value else _PEER_STEPS.value
    files = _drawn(split.test, count)
    labels = np.array([file.label for file in files])
    test = np.concatenate(list(_batches(detector, files)))
    scores, peers = _peer(AnoGanSearch(gan, num_steps), test)
    figures = {
        f"AnoGAN search, {num_steps} steps, {name}, images/s": {
            **found,
            "AUROC": evaluation.auroc(labels, scores),
            "test images": len(files),
        }
        for name, found in peers.items()
    }
    rate = peers["one at a time"]["median"]
    for made in (detector, _with_steps(detector, split, 10)):
        name = f"ours, {made.inverter.num_steps} steps, PNG to verdict"
        found = _ours(made, files, labels, scores, rate)
        figures[f"{name}, images/s"] = found
    return figures


def main() -> None:
    if not _MODEL_DIR.value or not _DATA.value:
        raise ValueError("Expected --model_dir and --data")
    found = measure(_MODEL_DIR.value, _DATA.value)
    benchmark_cli.print_json(found)


if __name__ == "__main__":
    cli.run(main)
