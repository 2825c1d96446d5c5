"""What the workers of a fit share: networks, settings, a folder of parts."""

from __future__ import annotations

import contextlib
import io
import math
import uuid
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any
from typing import NamedTuple

import numpy as np

from ganad_tf import artifacts
from ganad_tf import part_paths
from ganad_tf import remote
from ganad_tf.data.listing import ImageFile
from ganad_tf.detector import model_folder
from ganad_tf.detector import storage
from ganad_tf.detector.detector import OneClassDetector
from ganad_tf.detector.fitting import CalibrationMeasures
from ganad_tf.detector.weights_digest import weights_digest
from ganad_tf.errors import UserError

# Enough for several workers where images are few.
_LEAST_SHARDS = 16


class ImageShard(NamedTuple):
    """Consecutive images of one role: what one task works on."""

    number: int
    first_image: int  # its number among all of the role
    files: tuple[ImageFile, ...]


def make_shards(
    files: Sequence[ImageFile], *, most: int, least: int = 1
) -> list[ImageShard]:
    """Divides images, in their order.

    Args:
        files: Images of one role.
        most: Images that a shard has at most, above 0; fewer where there would
            not be 16 shards.
        least: Images that a shard has at least, before anything else.

    Returns:
        shards: Of equal size, but for the last one.
    """
    size = max(min(most, math.ceil(len(files) / _LEAST_SHARDS)), least)
    found = [file._replace(path=remote.absolute(file.path)) for file in files]
    return [
        ImageShard(number, start, tuple(found[start : start + size]))
        for number, start in enumerate(range(0, len(found), size))
    ]


class FitWork(NamedTuple):
    """All that a worker needs besides its shard.

    Files of the folder are read and written by TensorFlow's file systems, as
    are the images and the model.
    """

    folder: str  # that all workers and the main process see, for parts
    model_dir: str
    config: dict[str, Any]  # of `OneClassDetector.get_config`
    weights: str  # digest of the networks that the run began with
    batch_size: int | None = None
    has_statistics: bool = False  # the training images are summed up

    def load_detector(self) -> OneClassDetector:
        """The detector: unfitted, or with statistics if there are some.

        Raises:
            UserError: If the networks are others than the run began with.
        """
        detector = model_folder.load_unfitted(self.model_dir, self.config)
        if weights_digest(detector) != self.weights:
            raise UserError(
                f"{self.model_dir} has changed since the run began, or another "
                "machine has another model there. Expected one model"
            )
        if self.has_statistics:
            storage.give_statistics(detector, self.read_statistics())
        return detector

    def batches(self, detector: OneClassDetector, shard: ImageShard) -> Any:
        """Images of a shard, as the detector takes them."""
        return model_folder.image_batches(
            detector, shard.files, batch_size=self.batch_size
        )

    def write_statistics(self, statistics: Mapping[str, np.ndarray]) -> None:
        """Writes what `storage.statistics_of` returns."""
        _write(self._path(storage.STATISTICS_NAME), statistics)

    def read_statistics(self) -> dict[str, np.ndarray]:
        """Reads what `write_statistics` wrote."""
        return dict(_open(self._path(storage.STATISTICS_NAME)))

    def write_measures(
        self, number: int, measures: CalibrationMeasures
    ) -> None:
        """Writes what a shard of calibration images gave; always the same."""
        arrays = measures._replace(maps=np.concatenate(list(measures.maps)))
        _write(self._measures_path(number), arrays._asdict())

    def read_measures(self, num_shards: int) -> CalibrationMeasures:
        """Reads the measures of all shards, in order.

        Args:
            num_shards: How many were written.

        Returns:
            measures: Its maps are read when their turn comes.
        """
        log_parts, tails = (
            np.concatenate([values[name] for values in self._all(num_shards)])
            for name in ("log_parts", "tails")
        )
        maps = (values["maps"] for values in self._all(num_shards))
        return CalibrationMeasures(log_parts, tails, maps)

    def _all(self, num_shards: int) -> Iterator[Mapping[str, np.ndarray]]:
        for number in range(num_shards):
            yield _open(self._measures_path(number))

    def _measures_path(self, number: int) -> str:
        return self._path(f"calibration-{number:05d}.npz")

    def _path(self, name: str) -> str:
        return remote.join(self.folder, name)


def _write(path: str, arrays: Mapping[str, np.ndarray]) -> None:
    """Writes arrays in one step, so a repeated task does no harm."""
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    if remote.is_remote(path):
        remote.write_file(path, buffer.getvalue())
    else:
        artifacts.write_bytes(path, buffer.getvalue())


def _open(path: str) -> Mapping[str, np.ndarray]:
    """Arrays by name, which are read one by one."""
    return np.load(remote.open_file(path))


@contextlib.contextmanager
def parts_folder(model_dir: str) -> Iterator[str]:
    """A new folder in a model's folder, which is removed in the end.

    Args:
        model_dir: Folder anywhere.

    Yields:
        folder: A name that no other run has; it is made by who writes there.
    """
    folder = remote.join(model_dir, f"fitting-{uuid.uuid4().hex[:8]}")
    try:
        yield folder
    finally:
        if remote.is_remote(folder):
            for name in remote.list_dir(folder):
                remote.remove(remote.join(folder, name))
        else:
            part_paths.remove(folder)
