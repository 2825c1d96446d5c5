import struct

import pytest
import tensorflow as tf
from PIL import Image
from test_image_files import claim
from test_image_tensors import GRAY
from test_image_tensors import encode

from ganad_tf.data import image_headers
from ganad_tf.data.image_files import MAX_PIXELS

PNG, JPEG, BMP = (encode(GRAY, kind) for kind in ("PNG", "JPEG", "BMP"))


def claim_jpeg(width, height):
    place = JPEG.index(b"\xff\xc0") + 5
    size = struct.pack(">HH", height, width)
    return JPEG[:place] + size + JPEG[place + 4 :]


@pytest.mark.parametrize("data", [PNG, JPEG, BMP])
def test_size_is_that_of_the_header(data):
    assert image_headers._size(tf.constant(data)).numpy().tolist() == [24, 20]
    assert image_headers.checked(tf.constant(data)) == data


def test_a_bmp_may_be_stored_from_the_top():
    data = claim(BMP, 18, 20, -24, "<")
    assert image_headers._size(tf.constant(data)).numpy().tolist() == [24, 20]


@pytest.mark.parametrize(
    "data",
    [
        claim(PNG, 16, 50000, 50000, ">"),
        claim(PNG, 16, MAX_PIXELS // 2 + 1, 2, ">"),
        claim(PNG, 16, 2**31 - 1, 2**31 - 1, ">"),
        claim(BMP, 18, 50000, 50000, "<"),
        claim_jpeg(50000, 50000),
    ],
)
@pytest.mark.parametrize("wrap", [lambda f: f, tf.function])
def test_what_claims_too_many_pixels_is_refused(data, wrap):
    with pytest.raises(
        tf.errors.InvalidArgumentError,
        match=r"too large: \d+x\d+ px: expected at most 100000000 pixels",
    ):
        wrap(image_headers.checked)(tf.constant(data))


def test_the_largest_images_pass():
    data = claim(PNG, 16, MAX_PIXELS // 2, 2, ">")
    assert image_headers.checked(tf.constant(data)) == data


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello",
        b"RIFF    WEBPVP8 ",
        encode(GRAY, "GIF", save_all=True, append_images=[GRAY]),
        encode(GRAY, "TIFF"),
        PNG[:7],
    ],
)
def test_other_formats_are_refused(data):
    with pytest.raises(
        tf.errors.InvalidArgumentError, match="Unknown image file format"
    ):
        image_headers.checked(tf.constant(data))


@pytest.mark.parametrize("data", [JPEG[:3], JPEG[:30], b"\xff\xd8\xff" * 9])
def test_a_broken_jpeg_header_is_refused(data):
    with pytest.raises(tf.errors.InvalidArgumentError, match="Invalid JPEG"):
        image_headers.checked(tf.constant(data))


def test_pillow_reads_the_same_sizes():
    wide = Image.new("L", (300, 17))
    for kind in ("PNG", "JPEG", "BMP"):
        data = encode(wide, kind)
        found = image_headers._size(tf.constant(data)).numpy().tolist()
        assert found == [17, 300]
