"""The Beam pipelines of a fit: over training, then over calibration images.

Names of images are shuffled, by shard; images never leave a worker. Training
images become sums, which are added up, and the statistics that follow of them
are written once. Calibration images become measures, a file for each shard. A
task that is repeated adds nothing twice and writes the same file.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from typing import Any

import apache_beam as beam
from apache_beam.metrics import Metrics
from apache_beam.ml.inference.base import RunInference

from ganad_tf.bulk.fit_work import FitWork
from ganad_tf.bulk.fit_work import ImageShard
from ganad_tf.bulk.model_handler import ShardHandler
from ganad_tf.detector import fitting
from ganad_tf.detector import storage
from ganad_tf.detector import training_sums
from ganad_tf.detector.detector import OneClassDetector
from ganad_tf.detector.fitting import CalibrationMeasures
from ganad_tf.detector.training_sums import TrainingSums


def sum_up_training(
    pipeline: beam.Pipeline, work: FitWork, shards: Iterable[ImageShard]
) -> None:
    """Adds the steps from training images to written statistics.

    Args:
        pipeline: A `beam.Pipeline`.
        work: Without statistics.
        shards: Of the training images.
    """
    _ = (
        _results(pipeline, work, shards, _sum_up)
        | beam.CombineGlobally(AddedSums()).without_defaults()
        | beam.Map(_write_statistics, work)
    )


def measure_calibration(
    pipeline: beam.Pipeline, work: FitWork, shards: Iterable[ImageShard]
) -> None:
    """Adds the steps from calibration images to written measures.

    Args:
        pipeline: A `beam.Pipeline`.
        work: With statistics.
        shards: Of the calibration images.
    """
    _results(pipeline, work, shards, _measure)


class _Handler(ShardHandler):
    def __init__(self, work: FitWork, apply: Callable):
        super().__init__()
        self._work = work
        self._apply = apply

    def load_model(self) -> OneClassDetector:
        return self._work.load_detector()

    def process(self, shard: ImageShard, model: OneClassDetector) -> Any:
        result = self._apply(self._work, model, shard)
        Metrics.counter("ganad_tf", "images").inc(len(shard.files))
        return result


def _results(
    pipeline: beam.Pipeline,
    work: FitWork,
    shards: Iterable[ImageShard],
    apply: Callable[[FitWork, OneClassDetector, ImageShard], Any],
) -> beam.PCollection:
    """What each shard gives; they are grouped only to be spread to workers."""
    return (
        pipeline
        | beam.Create([(shard.number, shard) for shard in shards])
        | beam.GroupByKey()
        | beam.MapTuple(lambda _, grouped: list(grouped))
        | RunInference(_Handler(work, apply))
    )


def _sum_up(
    work: FitWork, detector: OneClassDetector, shard: ImageShard
) -> TrainingSums:
    return fitting.accumulate(
        detector, work.batches(detector, shard), first_image=shard.first_image
    )


def _measure(
    work: FitWork, detector: OneClassDetector, shard: ImageShard
) -> int:
    maps = []
    log_parts, tails = fitting.measure(
        detector, work.batches(detector, shard), maps.append
    )
    work.write_measures(
        shard.number, CalibrationMeasures(log_parts, tails, maps)
    )
    return shard.number


class AddedSums(beam.CombineFn):
    """Adds up `TrainingSums`; those of a shard stay as they are.

    Runners may hold what a shard gave, and add it again when a task fails.
    """

    def create_accumulator(self) -> None:
        return None

    def add_input(
        self, total: TrainingSums | None, sums: TrainingSums
    ) -> TrainingSums:
        if total is None:
            return training_sums.merged([sums])
        return total.merge(sums)

    def merge_accumulators(
        self, totals: Iterable[TrainingSums | None]
    ) -> TrainingSums | None:
        parts = [total for total in totals if total is not None]
        return training_sums.merged(parts) if parts else None

    def extract_output(self, total: TrainingSums) -> TrainingSums:
        return total


def _write_statistics(sums: TrainingSums, work: FitWork) -> None:
    detector = work.load_detector()
    # `finish` uses the sums up.
    fitting.finish(detector, training_sums.merged([sums]))
    work.write_statistics(storage.statistics_of(detector))
