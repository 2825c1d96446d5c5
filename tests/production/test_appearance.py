import io

import numpy as np
import pytest
from conftest import make_parts
from conftest import write_images
from PIL import Image
from PIL import ImageFilter

from ganad_tf.production import appearance
from ganad_tf.production.score_stream import ScoredImage


def picture():
    pixels = np.random.default_rng(0).integers(60, 180, [40, 50])
    return Image.fromarray(pixels.astype(np.uint8))


def test_light_changes_brightness_and_blur_changes_sharpness():
    first = appearance.appearance(picture())
    darker = appearance.appearance(picture().point(lambda value: value * 0.5))
    assert darker.brightness == pytest.approx(first.brightness / 2, rel=0.01)
    assert darker.sharpness == pytest.approx(first.sharpness, rel=0.02)
    blurred = picture().filter(ImageFilter.GaussianBlur(1))
    assert appearance.appearance(blurred).sharpness < 0.7 * first.sharpness


def test_pictures_come_from_files_and_from_logs(tmp_path):
    write_images(tmp_path, make_parts(1, seed=0))
    path = str(tmp_path / "part000.png")
    image = ScoredImage(path, 1.0, 0.0, 0.0, 0.0, False)
    assert appearance.open_image(image).size == (32, 32)
    buffer = io.BytesIO()
    picture().save(buffer, "PNG")
    logged = image._replace(path="log#1", image_bytes=buffer.getvalue())
    assert appearance.open_image(logged).size == (50, 40)
    assert appearance.open_image(image._replace(path="gone.png")) is None
    assert appearance.open_image(image._replace(image_bytes=b"no")) is None


def test_a_vast_picture_of_a_log_is_not_decoded():
    stream = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(stream, format="PNG")
    logged = ScoredImage("log#0", 0.5, 1, 2, 3, False, stream.getvalue())
    assert appearance.open_image(logged) is None


def test_looks_are_unknown_where_nobody_has_the_picture(tmp_path):
    picture().save(tmp_path / "a.png")
    image = ScoredImage(str(tmp_path / "a.png"), 0.5, 1, 2, 3, False)
    looks = appearance.looks_of([image, image._replace(path="gone.png")])
    assert list(looks) == list(appearance.LOOKS)
    assert looks["frechet_score"].tolist() == [2.0, 2.0]
    assert looks["reconstruction_error"].tolist() == [3.0, 3.0]
    seen = appearance.appearance(picture())
    assert looks["brightness"][0] == pytest.approx(seen.brightness)
    assert looks["sharpness"][0] == pytest.approx(seen.sharpness)
    assert np.isnan(
        [looks[name][1] for name in ("brightness", "sharpness")]
    ).all()
