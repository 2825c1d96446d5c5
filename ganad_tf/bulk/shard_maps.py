"""Pictures and regions of a shard's anomaly maps."""

from __future__ import annotations

from typing import Any

from ganad_tf.bulk import file_systems
from ganad_tf.bulk.shard_files import ShardFiles
from ganad_tf.detector import regions
from ganad_tf.serving import map_folder


class ShardMaps:
    """Saves what the signature `inspect` says of the images of a shard.

    A repeated shard writes the same files over the first ones.

    Args:
        files: Where the run's maps are written.
        number: Of the shard.
        map_threshold: Map value from which on a pixel belongs to a region, of
            the model's manifest; None for no regions.
    """

    def __init__(
        self, files: ShardFiles, number: int, map_threshold: float | None
    ):
        self._files = files
        self._number = number
        self._threshold = map_threshold
        self._regions: list[tuple[str, list[regions.Region]]] = []

    def save(
        self, path: str, image_bytes: bytes, outputs: dict[str, Any]
    ) -> None:
        """Writes the picture of an image and keeps its regions.

        Args:
            path: Name of the image.
            image_bytes: The encoded image.
            outputs: Its outputs of the signature `inspect`.
        """
        drawn = map_folder.draw_map(path, image_bytes, outputs, self._threshold)
        name = map_folder.picture_name(path)
        file_systems.write_bytes(
            file_systems.join(self._files.folder, name), drawn.png
        )
        self._regions.append((path, drawn.regions))

    def finish(self) -> None:
        """Writes the regions of all images of the shard."""
        if self._threshold is None:
            return
        text = regions.to_csv(self._regions, header=True)
        file_systems.write_bytes(
            self._files.path(self._number, "regions.csv"),
            text.encode("utf-8", "surrogateescape"),
        )
