"""Compares the detector with a latent search as its peers run it.

    python tools/benchmark_peers.py --data=elpv:mono --model_dir=model

The peer is AnoGAN's search (Schlegl et al. 2017) through the same generator:
Adam, 500 steps, a random start, one image at a time; the loss and the score
are .9 of the mean absolute residual and .1 of that of the discriminator's last
features. It is compiled as one loop and gets decoded images, both in its
favour. Its batched form gives the same scores, since every image has a start
of its own; a few images are searched for one by one to see that and to take
the time. Its runs alternate with ours, which go from PNG files to verdicts, so
that a shared machine does not tilt the ratio.

Prints one JSON: images/s of each, ours as a ratio to the peer, and the AUROC
of all on the same test images, drawn evenly, with the 95 % bootstrap interval
of the difference. Ours is also measured with ten steps, calibrated anew.
"""

import os
import time

import cli  # before TensorFlow

# isort: split
import keras
import numpy as np
import tensorflow as tf
from absl import flags

import benchmark_cli
from ganad_tf.data import dataset
from ganad_tf.data import image_tensors
from ganad_tf.detector import detector as detectors
from ganad_tf.evaluation import metrics as evaluation
from ganad_tf.serving import export
from ganad_tf.training import building

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
        spec = tf.TensorSpec([None, *gan.generator.output_shape[1:]])
        start = tf.TensorSpec([None, gan.latent_dim])
        self.scores = tf.function(self._search, input_signature=[spec, start])

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
    return image_tensors.image_dataset(
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
    return export.refit(detector, train, calibration, num_steps=num_steps)


def _starts(gan, count: int) -> tf.Tensor:
    return gan.sample_latents(count, seed=tf.constant([0, 0]))


def _batched(search, test: np.ndarray) -> tuple[np.ndarray, list[float]]:
    """The peer's scores of all images, and images/s of each full batch."""
    starts = _starts(search.gan, len(test))
    scores, rates = [], []
    for row in range(0, len(test), _BATCH):
        rows = slice(row, row + _BATCH)
        start = time.perf_counter()
        scores.append(search.scores(test[rows], starts[rows]).numpy())
        rates.append(len(scores[-1]) / (time.perf_counter() - start))
    return np.concatenate(scores), rates[: max(len(test) // _BATCH, 1)]


def _alternately(works: dict[str, tuple]) -> dict[str, list[float]]:
    """Amounts a second of several works, a run of each after the other."""
    rates = {name: [] for name in works}
    for run in range(1 + benchmark_cli.num_runs()):
        for name, (work, amount) in works.items():
            start = time.perf_counter()
            work()
            if run > 0:  # the first one traces and warms up
                rates[name].append(amount / (time.perf_counter() - start))
    return rates


def _figures(rates, labels, scores) -> dict[str, benchmark_cli.Figure]:
    """Spread, ratio to the slowest peer, AUROC and its difference."""
    alone, *_ = rates
    figures = {}
    for name, found in rates.items():
        figure = benchmark_cli.spread(found)
        figure["times the one-at-a-time search"] = float(
            np.median(found) / np.median(rates[alone])
        )
        figure["AUROC"] = evaluation.auroc(labels, scores[name])
        figure["AUROC minus the peer's, 95 %"] = " to ".join(
            f"{bound:+.3f}"
            for bound in evaluation.auroc_difference_ci95(
                labels, scores[name], scores[alone], seed=0
            )
        )
        figures[f"{name}, images/s"] = figure
    return figures


def _compare(search, made, files) -> dict[str, benchmark_cli.Figure]:
    """Figures of the peer's two forms and of detectors by name."""
    labels = np.array([file.label for file in files])
    alone = f"AnoGAN search, {search.num_steps} steps, one at a time"
    batches = _batches(next(iter(made.values())), files)
    test = np.concatenate(list(batches))
    starts = _starts(search.gan, len(test))

    def one_at_a_time() -> np.ndarray:
        rows = range(_NUM_ALONE)
        found = [
            search.scores(test[row : row + 1], starts[row : row + 1])
            for row in rows
        ]
        return np.concatenate(found)

    works = {alone: (one_at_a_time, _NUM_ALONE)} | {
        name: (lambda one=one: one.detect_batches(batches), len(files))
        for name, one in made.items()
    }
    rates = _alternately(works)
    peer_scores, batched_rates = _batched(search, test)
    apart = np.abs(one_at_a_time() / peer_scores[:_NUM_ALONE] - 1.0)
    rates[f"AnoGAN search, batches of {_BATCH}"] = batched_rates
    scores = dict.fromkeys(rates, peer_scores) | {
        name: one.detect_batches(batches).anomaly_scores
        for name, one in made.items()
    }
    figures = _figures(rates, labels, scores)
    figures[f"{alone}, images/s"] |= {
        "scores apart from the batched by": float(apart.max()),
        "test images": len(files),
    }
    return figures


def measure(model_dir: str, data: str) -> dict[str, benchmark_cli.Figure]:
    """Returns figures of peer and ours by name."""
    gan = building.load_gan(model_dir)
    detector = detectors.OneClassDetector.load(
        os.path.join(model_dir, "detector"), gan
    )
    split = dataset.load_split(
        os.path.join(model_dir, dataset.SPLIT_NAME), data=data
    )
    count = 8 if benchmark_cli.QUICK.value else _NUM_IMAGES.value
    num_steps = 20 if benchmark_cli.QUICK.value else _PEER_STEPS.value
    made = {
        f"ours, {one.inverter.num_steps} steps, PNG to verdict": one
        for one in (detector, _with_steps(detector, split, 10))
    }
    search = AnoGanSearch(gan, num_steps)
    return _compare(search, made, _drawn(split.test, count))


def main() -> None:
    if not _MODEL_DIR.value or not _DATA.value:
        raise ValueError("Expected --model_dir and --data")
    found = measure(_MODEL_DIR.value, _DATA.value)
    benchmark_cli.print_json(found)


if __name__ == "__main__":
    cli.run(main)
