"""Image tensors: from files to float32 NHWC tensors in [-1, 1]."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np
import tensorflow as tf
from PIL import Image

from ganad_tf import remote
from ganad_tf import replicas
from ganad_tf.data import augmentation
from ganad_tf.data import image_cache
from ganad_tf.data import image_files
from ganad_tf.data import image_headers
from ganad_tf.data import shuffling
from ganad_tf.errors import UserError
from ganad_tf.errors import runtime_reason

_NUM_CALLS = os.cpu_count()  # images decoded at the same time
_NUM_AHEAD = 2  # batches prepared while one is used
_MAX_BATCH_PIXELS = 2**22


def median_size(paths: Sequence[str]) -> tuple[int, int]:
    """Median (height, width) of image files in pixels, by their headers.

    Args:
        paths: Readable image files, at least one.

    Returns:
        size: Median height and median width, rounded down.
    """
    sizes = []
    for path in paths:
        with remote.open_file(path) as file, Image.open(file) as image:
            sizes.append((image.height, image.width))
    height, width = np.median(sizes, axis=0)
    return int(height), int(width)


def color_channels(paths: Sequence[str]) -> int:
    """Says whether image files are gray or RGB, by their headers.

    Args:
        paths: Readable image files, at least one.

    Returns:
        channels: 1 if all are gray, 3 if all have colour.

    Raises:
        UserError: If some are gray and some have colour.
    """
    first = {}
    for path in paths:
        with remote.open_file(path) as file, Image.open(file) as image:
            gray = image.mode in image_files.GRAY_MODES
            first.setdefault(1 if gray else 3, path)
    if len(first) > 1:
        raise UserError(
            "Gray and colour images are mixed: expected one kind, received "
            f"gray {first[1]} and colour {first[3]}. Say which to convert to "
            "with --channels=1 or --channels=3"
        )
    return next(iter(first))


def decode_image(image_bytes: tf.Tensor, *, channels: int) -> tf.Tensor:
    """Decodes an image with TensorFlow ops alone.

    Args:
        image_bytes: String scalar, encoded PNG, JPEG or BMP, 8 or 16 bit.
        channels: 1 or 3. Colour becomes gray by luminance, gray becomes RGB
            by repetition; transparency is dropped.

    Returns:
        image: float32 of shape (height, width, channels) in [-1, 1].

    Raises:
        tf.errors.InvalidArgumentError: When the ops run, if the image cannot
            be decoded or has more than `image_files.MAX_PIXELS` pixels.
    """
    image = tf.io.decode_image(
        image_headers.checked(image_bytes),
        channels=0,
        dtype=tf.float32,
        expand_animations=False,
    )
    has_color = tf.shape(image)[-1] >= 3
    if channels == 3:
        image = tf.cond(
            has_color,
            lambda: image[..., :3],
            lambda: tf.repeat(image[..., :1], 3, axis=-1),
        )
    else:
        image = tf.cond(
            has_color,
            lambda: tf.image.rgb_to_grayscale(image[..., :3]),
            lambda: image[..., :1],
        )
    return tf.ensure_shape(2.0 * image - 1.0, [None, None, channels])


def check_decodes(image_bytes: bytes) -> None:
    """Checks that TensorFlow, too, decodes an image that Pillow accepts.

    The two differ about some broken files, and it is TensorFlow that decodes
    the images of a training run.

    Args:
        image_bytes: Encoded PNG, JPEG or BMP.

    Raises:
        UserError: If it does not; the message is the reason in one line.
    """
    try:
        tf.io.decode_image(
            image_headers.checked(tf.constant(image_bytes)),
            expand_animations=False,
        )
    except tf.errors.OpError as error:
        raise UserError(
            f"corrupt or truncated image: {runtime_reason(error.message)}"
        ) from error


def resize_image(
    image: tf.Tensor, *, image_size: image_files.ImageSize
) -> tf.Tensor:
    """Resizes an image, bilinear with antialiasing.

    Args:
        image: float32 of shape (height, width, channels).
        image_size: Side of a square in pixels, or (height, width).

    Returns:
        resized: float32 of shape (height, width, channels).
    """
    size = list(image_files.height_and_width(image_size))
    resized = tf.image.resize(image, size, antialias=True)
    return tf.ensure_shape(resized, [*size, image.shape[-1]])


def to_uint8(images: np.ndarray) -> np.ndarray:
    """Converts floats in [-1, 1] to the uint8 values of image files.

    Args:
        images: Floats of any shape; values outside [-1, 1] are clipped.

    Returns:
        pixels: uint8 of the same shape, 0 for -1 and 255 for 1.

    Example:
    >>> to_uint8(np.array([-1.0, 0.0, 1.0])).tolist()
    [0, 128, 255]
    """
    values = np.clip((np.asarray(images) + 1.0) * 127.5, 0.0, 255.0)
    return np.floor(values + 0.5).astype(np.uint8)


def _read_decodable(path: str | bytes) -> bytes:
    with remote.open_file(path) as file:
        return image_files.decodable(file.read())


def _decode_files(
    paths: Sequence[str], *, image_size: image_files.ImageSize, channels: int
) -> tf.data.Dataset:
    """One image an element, in the files' order, decoded in parallel."""

    def decode(image_bytes):
        image_bytes = tf.ensure_shape(image_bytes, [])
        image = decode_image(image_bytes, channels=channels)
        return resize_image(image, image_size=image_size)

    dataset = tf.data.Dataset.from_tensor_slices(
        [os.fsencode(path) for path in paths]
    )
    dataset = dataset.map(
        lambda path: tf.numpy_function(_read_decodable, [path], tf.string)
    )
    return dataset.map(decode, num_parallel_calls=_NUM_CALLS)


def _batch_ahead(
    dataset: tf.data.Dataset, batch_size: int, *, endless: bool = False
) -> tf.data.Dataset:
    """Batches, prepared ahead of their use; of an endless dataset all full.

    tf.data's autotuning is off: with it, two epochs of five took 1.5 times as
    long on two cores.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    batches = dataset.batch(batch_size, drop_remainder=endless)
    batches = batches.prefetch(_NUM_AHEAD)
    return batches.with_options(options)


def image_dataset(
    paths: Sequence[str],
    *,
    image_size: image_files.ImageSize,
    channels: int,
    batch_size: int | None = None,
) -> tf.data.Dataset:
    """Batches of images in the files' order, in bounded memory.

    Args:
        paths: Image files that `read_image_bytes` accepts.
        image_size: Side of the images in pixels, or (height, width).
        channels: 1 or 3.
        batch_size: Images a batch; the last batch may be smaller. Default:
            64, or fewer where they would have more than four million pixels.

    Returns:
        dataset: float32 batches of shape (batch, height, width, channels)
            in [-1, 1].
    """
    dataset = _decode_files(paths, image_size=image_size, channels=channels)
    height, width = image_files.height_and_width(image_size)
    default = max(min(64, _MAX_BATCH_PIXELS // (height * width)), 1)
    return _batch_ahead(dataset, batch_size or default)


def load_images(
    paths: Sequence[str], *, image_size: image_files.ImageSize, channels: int
) -> np.ndarray:
    """Loads images into one array.

    Args:
        paths: Image files that `read_image_bytes` accepts.
        image_size: Side of the images in pixels, or (height, width).
        channels: 1 or 3.

    Returns:
        images: float32 of shape (n, height, width, channels) in [-1, 1].
    """
    size = image_files.height_and_width(image_size)
    images = np.empty([len(paths), *size, channels], "float32")
    dataset = _decode_files(paths, image_size=image_size, channels=channels)
    for row, image in enumerate(dataset.as_numpy_iterator()):
        images[row] = image
    return images


def training_dataset(
    paths: Sequence[str],
    *,
    image_size: image_files.ImageSize,
    channels: int,
    batch_size: int,
    seed: int,
    start_step: int = 0,
    horizontal_flip: bool = True,
    vertical_flip: bool = True,
    max_shift: int = 0,
    crop_size: int | None = None,
) -> tf.data.Dataset:
    """Endless shuffled batches of augmented training images.

    Images are decoded once and kept in a temporary file (`ImageCache`); what
    is shuffled are their numbers, all of them. Every draw is a function of the
    seed and of the image's place in the endless sequence, so the dataset from
    step k on equals the dataset from the start without its first k batches.

    Args:
        paths: Image files that `read_image_bytes` accepts.
        image_size: Side of the images in pixels, or (height, width).
        channels: 1 or 3.
        batch_size: Images a batch.
        seed: Of the order and of the augmentation.
        start_step: How many batches are skipped at the start.
        horizontal_flip: Whether every second image is mirrored left-right.
        vertical_flip: Whether every second image is mirrored up-down.
        max_shift: Images are shifted by up to so many pixels each way; the
            border is mirrored.
        crop_size: Side of a random square that is cut out of each image; None
            for the whole image.

    Returns:
        dataset: float32 batches of shape (batch_size / replicas, height,
            width, channels) in [-1, 1]: the rows of each replica in turn.
    """
    shape = (*image_files.height_and_width(image_size), channels)

    def read(row: int) -> bytes:
        return _read_decodable(paths[row])

    def decode(image_bytes: tf.Tensor) -> tf.Tensor:
        image = decode_image(image_bytes, channels=channels)
        return resize_image(image, image_size=shape[:2])

    def augment(place: tf.Tensor, image: tf.Tensor) -> tf.Tensor:
        return augmentation.augmented(
            image,
            [seed, place],
            horizontal_flip=horizontal_flip,
            vertical_flip=vertical_flip,
            max_shift=max_shift,
            crop_size=crop_size,
        )

    def batches(share: replicas.Share) -> tf.data.Dataset:
        places, rows = shuffling.batch_rows(
            len(paths),
            batch_size=batch_size,
            seed=seed,
            start_step=start_step,
            share=share,
        )
        images = image_cache.cached_images(
            rows, len(paths), shape, read=read, decode=decode
        )
        dataset = tf.data.Dataset.zip(places, images)
        dataset = dataset.map(augment, num_parallel_calls=_NUM_CALLS)
        own_size = batch_size // share.num_replicas
        return _batch_ahead(dataset, own_size, endless=True)

    return replicas.distributed(batches)
