import io

import numpy as np
import pytest
import tensorflow as tf
from conftest import make_parts
from conftest import write_images
from PIL import Image

from ganad_tf.data import image_files
from ganad_tf.data import image_tensors
from ganad_tf.errors import UserError

PIXELS = (np.arange(24 * 20).reshape(24, 20) % 251).astype(np.uint8)


def encode(image, kind, **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def save(tmp_path, data, name="image"):
    path = tmp_path / name
    path.write_bytes(data)
    return str(path)


GRAY = Image.fromarray(PIXELS)
WIDE = Image.fromarray(PIXELS.astype(np.uint16) * 257)


@pytest.mark.parametrize(
    "image, kind",
    [
        (GRAY, "PNG"),
        (GRAY, "BMP"),
        (GRAY, "TIFF"),
        (GRAY.convert("RGB"), "PNG"),
        (GRAY.convert("RGB"), "BMP"),
        (GRAY.convert("RGB"), "TIFF"),
        (GRAY.convert("RGBA"), "PNG"),
        (GRAY.convert("LA"), "PNG"),
        (GRAY.convert("P"), "PNG"),
        (GRAY.convert("P"), "BMP"),
        (GRAY.convert("P"), "TIFF"),
        (WIDE, "PNG"),
        (WIDE, "TIFF"),
    ],
)
@pytest.mark.parametrize("channels", [1, 3])
def test_every_kind_of_file_gives_the_same_values(
    tmp_path, image, kind, channels
):
    data = image_files.read_image_bytes(save(tmp_path, encode(image, kind)))
    found = image_tensors.decode_image(tf.constant(data), channels=channels)
    expected = np.repeat(PIXELS[..., None], channels, -1) / 127.5 - 1.0
    np.testing.assert_allclose(found, expected, atol=2e-3)


def test_cmyk_jpeg_is_decoded(tmp_path):
    path = save(tmp_path, encode(GRAY.convert("CMYK"), "JPEG"))
    data = image_files.read_image_bytes(path)
    assert image_tensors.decode_image(data, channels=1).shape == [24, 20, 1]


def test_sixteen_bits_are_kept():
    steps = Image.fromarray(np.arange(400, dtype=np.uint16).reshape(20, 20))
    found = image_tensors.decode_image(encode(steps, "PNG"), channels=1).numpy()
    assert len(np.unique(found)) == 400


def test_sixteen_bit_colour_keeps_its_bits(tmp_path):
    pixels = np.arange(3 * 400, dtype=np.uint16).reshape(20, 20, 3)
    path = save(tmp_path, tf.io.encode_png(pixels).numpy(), "deep.png")
    data = image_files.read_image_bytes(path)
    found = image_tensors.decode_image(data, channels=3).numpy()
    np.testing.assert_array_equal(
        np.round((found + 1.0) / 2.0 * 65535.0), pixels
    )


def test_what_pillow_forgives_and_tensorflow_does_not_has_a_reason(tmp_path):
    good = encode(GRAY, "PNG")
    assert image_tensors.check_decodes(good) is None
    bad = good[:-16] + b"sums" + good[-12:]  # of the block of pixels
    data = image_files.read_image_bytes(save(tmp_path, bad))
    with pytest.raises(UserError, match="corrupt .*Invalid PNG") as caught:
        image_tensors.check_decodes(data)
    assert "{" not in str(caught.value) and "\n" not in str(caught.value)


def test_shrinking_is_antialiased():
    stripes = tf.constant(np.tile([-1.0, 1.0], [32, 16])[..., None], tf.float32)
    small = image_tensors.resize_image(stripes, image_size=16)
    assert np.abs(small).max() < 0.4
    same = image_tensors.resize_image(stripes, image_size=32)
    np.testing.assert_array_equal(same, stripes)


def test_channels_are_those_of_the_files(tmp_path):
    gray = save(tmp_path, encode(GRAY, "PNG"), "gray.png")
    color = save(tmp_path, encode(GRAY.convert("RGB"), "PNG"), "color.png")
    assert image_tensors.color_channels([gray, gray]) == 1
    assert image_tensors.color_channels([color]) == 3
    with pytest.raises(ValueError, match="gray .*gray.png and colour"):
        image_tensors.color_channels([gray, color])


@pytest.fixture
def paths(tmp_path):
    write_images(tmp_path / "images", make_parts(10, seed=0))
    return sorted(str(path) for path in (tmp_path / "images").iterdir())


def test_images_are_loaded_in_order(paths):
    found = image_tensors.load_images(paths, image_size=32, channels=1)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, make_parts(10, seed=0), atol=4e-3)
    batches = image_tensors.image_dataset(
        paths, image_size=32, channels=1, batch_size=4
    )
    together = np.concatenate(list(batches.as_numpy_iterator()))
    np.testing.assert_array_equal(together, found)


def test_any_name_of_a_file_is_loaded(tmp_path):
    names = ["e\udcff.png", "$x_^$\n\t.png", "\u65e5\u672c \U0001f600.png"]
    paths = [save(tmp_path, encode(GRAY, "PNG"), name) for name in names]
    found = image_tensors.load_images(paths, image_size=24, channels=1)
    np.testing.assert_array_equal(found, found[:1].repeat(3, axis=0))


def training_batches(paths, count, **changes):
    arguments = {"image_size": 32, "channels": 1, "batch_size": 4, "seed": 3}
    dataset = image_tensors.training_dataset(paths, **{**arguments, **changes})
    return np.stack(list(dataset.take(count).as_numpy_iterator()))


def test_files_are_known_by_their_content_not_by_their_name(tmp_path):
    kinds = {"a.png": "TIFF", "b.tif": "PNG", "c.jpg": "BMP", "d.bmp": "PNG"}
    paths = [
        save(tmp_path, encode(GRAY, kind), name) for name, kind in kinds.items()
    ]
    found = image_tensors.load_images(paths, image_size=24, channels=1)
    for image in found[1:]:
        np.testing.assert_array_equal(image, found[0])


def test_training_batches_go_on_where_they_were_left(paths):
    whole = training_batches(paths, 8, max_shift=3)
    rest = training_batches(paths, 3, max_shift=3, start_step=5)
    np.testing.assert_array_equal(rest, whole[5:])


def test_images_are_decoded_once(paths, monkeypatch):
    read, real = [], image_tensors._read_decodable

    def counted(path):
        read.append(path)
        return real(path)

    monkeypatch.setattr(image_tensors, "_read_decodable", counted)
    training_batches(paths, 9)
    assert sorted(read) == paths


def test_each_epoch_shows_every_image_once(paths):
    batches = training_batches(
        paths, 5, horizontal_flip=False, vertical_flip=False
    )
    originals = image_tensors.load_images(paths, image_size=32, channels=1)
    # Brightness is augmented, so it is taken off before comparing.
    shown, originals = (
        values - values.mean(axis=(1, 2, 3), keepdims=True)
        for values in (batches.reshape(-1, 32, 32, 1), originals)
    )
    distances = np.abs(shown[:, None] - originals[None]).mean(axis=(2, 3, 4))
    nearest = distances.argmin(axis=1)
    assert sorted(nearest[:10]) == sorted(nearest[10:]) == list(range(10))
    assert nearest[:10].tolist() != nearest[10:].tolist()
    assert distances.min(axis=1).max() < 0.1


@pytest.mark.parametrize(
    "flag, axis", [("vertical_flip", 2), ("horizontal_flip", 3)]
)
def test_flips_can_be_turned_off(paths, flag, axis):
    off = {"horizontal_flip": False, "vertical_flip": False}
    still = training_batches(paths, 5, **off)
    flipped = training_batches(paths, 5, **{**off, flag: True})
    same = np.isclose(still, flipped).all(axis=(2, 3, 4))
    mirrored = np.isclose(np.flip(still, axis), flipped).all(axis=(2, 3, 4))
    assert (same | mirrored).all()
    assert not same.all() and not mirrored.all()


def test_uint8_values_come_back():
    values = np.arange(256, dtype=np.uint8)
    np.testing.assert_array_equal(
        image_tensors.to_uint8(values / 127.5 - 1.0), values
    )
