"""A fit of the detector by the workers of a runner."""

from __future__ import annotations

import functools
import math
from typing import Any

from absl import logging
from apache_beam.options.pipeline_options import PipelineOptions

from ganad_tf import remote
from ganad_tf import staging
from ganad_tf.bulk import fit_pipeline
from ganad_tf.bulk import fit_work
from ganad_tf.bulk import runners
from ganad_tf.bulk.fit_work import FitWork
from ganad_tf.data.dataset import Split
from ganad_tf.detector import fitting
from ganad_tf.detector import model_folder
from ganad_tf.detector import storage
from ganad_tf.detector.detector import OneClassDetector
from ganad_tf.detector.weights_digest import weights_digest

# Of training images. Their sums have a size of their own, 220 MB at 256 px, and
# some runners hold those of all shards at once.
_IMAGES_A_SHARD = 1024
_MOST_SUMS = 64
# Of calibration images: the maps of a shard are in memory.
_MAP_BYTES_A_SHARD = 2**26


def fit_in_bulk(
    data: str,
    model_dir: str,
    options: PipelineOptions,
    *,
    alpha: float | None = None,
    batch_size: int | None = None,
    **inversion: Any,
) -> OneClassDetector:
    """Fits as `model_folder.fit_detector` does, by many workers.

    The detector is the same up to rounding: sums of floats have another order.

    Args:
        data: The data that the GAN was trained on. All workers can read it.
        model_dir: Folder of a trained GAN, with its split, which all workers
            and this process see. Parts of the work lie in a folder of it until
            the end.
        options: Of Beam.
        alpha: False-alarm rate; None as in `model_folder.fit_detector`.
        batch_size: Images at a time.
        **inversion: Arguments of `LatentInverter` that replace the recipe's.

    Returns:
        detector: Fitted `OneClassDetector`, also in `model_dir/detector/`.

    Raises:
        UserError: As `model_folder.fit_detector`, or if the run fails.
    """
    address = remote.absolute(model_dir)
    with staging.local_folder(address) as local:
        detector, split = model_folder.unfitted_detector(
            data, local, **inversion
        )
        model_folder.promise(detector, alpha, len(split.calibration))
        with fit_work.parts_folder(address) as folder:
            work = FitWork(
                folder,
                address,
                detector.get_config(),
                weights_digest(detector),
                batch_size,
            )
            _fit(detector, split, work, options)
        model_folder.publish(detector, local, split)
    return detector


def _fit(
    detector: OneClassDetector,
    split: Split,
    work: FitWork,
    options: PipelineOptions,
) -> None:
    """`fitting.fit`, with the work on images left to workers."""
    shards = fit_work.make_shards(
        split.train,
        most=_IMAGES_A_SHARD,
        least=math.ceil(len(split.train) / _MOST_SUMS),
    )
    _run(options, fit_pipeline.sum_up_training, work, shards, "training")
    storage.give_statistics(detector, work.read_statistics())
    work = work._replace(has_statistics=True)
    height, width, _ = detector.image_shape
    map_bytes = 4 * height * width * (1 if detector.field is None else 2)
    shards = fit_work.make_shards(
        split.calibration, most=max(_MAP_BYTES_A_SHARD // map_bytes, 1)
    )
    _run(options, fit_pipeline.measure_calibration, work, shards, "calibration")
    fitting.calibrate_by(detector, work.read_measures(len(shards)))


def _run(options, build, work: FitWork, shards, role: str) -> None:
    count = sum(len(shard.files) for shard in shards)
    logging.info("%d %s images in %d shards.", count, role, len(shards))
    runners.run(options, functools.partial(build, work=work, shards=shards))
