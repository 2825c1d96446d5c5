import numpy as np
import pytest
from conftest import make_parts
from PIL import Image
from PIL import ImageEnhance

from ganad_tf.data import dataset
from ganad_tf.data import near_copies
from ganad_tf.data.listing import ImageFile


def textures(count, *, seed):
    """Parts that differ by their grain, place and light, as uint8."""
    parts = make_parts(count, seed=seed, size=64)[..., 0]
    rng = np.random.default_rng(seed)
    grain = rng.normal(size=[count, 16, 16]).repeat(4, 1).repeat(4, 2)
    shifts = rng.integers(-3, 4, count)
    moved = np.stack(
        [np.roll(p, s, axis=1) for p, s in zip(parts, shifts, strict=True)]
    )
    return np.clip(127 + 90 * (moved + 0.15 * grain), 0, 255).astype(np.uint8)


@pytest.fixture
def save(tmp_path):
    def saved(pictures, part):
        files = []
        for row, picture in enumerate(pictures):
            path = tmp_path / f"{part}{row:03d}.png"
            Image.fromarray(picture).save(path)
            files.append(ImageFile(str(path), path.name, 0, "good", part))
        return tuple(files)

    return saved


def split_of(train, calibration, test=()):
    return dataset.Split(train, calibration, test, (), (), ())


def copies_of(picture, tmp_path):
    """The picture as JPEG, brighter, enlarged and with noise."""
    image = Image.fromarray(picture)
    image.save(tmp_path / "copy.jpg", quality=85)
    noise = np.random.default_rng(9).normal(0.0, 4.0, picture.shape)
    return [
        np.asarray(Image.open(tmp_path / "copy.jpg")),
        np.asarray(ImageEnhance.Brightness(image).enhance(1.1)),
        np.asarray(image.resize((128, 128), Image.Resampling.BICUBIC)),
        np.clip(picture + noise, 0, 255).astype(np.uint8),
    ]


def test_near_copies_are_found_and_other_parts_are_not(save, tmp_path):
    pictures = textures(60, seed=0)
    train = save(pictures[:40], "train")
    copies = copies_of(pictures[7], tmp_path)
    calibration = save([*pictures[40:50], *copies], "calibration")
    test = save([*pictures[50:], copies[0]], "test")
    found = near_copies.find_near_copies(
        split_of(train, calibration, test), seed=0
    )
    expected = {
        ("train007.png", f"calibration{n:03d}.png") for n in range(10, 14)
    }
    of_train = {p.names for p in found if p.roles == ("train", "calibration")}
    assert of_train == expected
    assert ("train007.png", "test010.png") in {p.names for p in found}
    involved = {name for pair in found for name in pair.names}
    assert len(involved) == 6  # nothing else is alike
    assert all(p.correlation >= near_copies.MIN_CORRELATION for p in found)
    correlations = [pair.correlation for pair in found]
    assert correlations == sorted(correlations, reverse=True)


def test_pairs_in_one_role_do_no_harm(save):
    pictures = textures(40, seed=1)
    train = save([*pictures[:30], pictures[0]], "train")
    split = split_of(train, save(pictures[30:], "calibration"))
    assert near_copies.find_near_copies(split, seed=0) == []


def test_many_images_are_sampled(save, monkeypatch, caplog):
    pictures = textures(30, seed=2)
    split = split_of(
        save(pictures[:20], "train"), save(pictures[20:], "calibration")
    )
    monkeypatch.setattr(near_copies, "MAX_IMAGES", 12)
    with caplog.at_level("INFO", logger="absl"):
        near_copies.find_near_copies(split, seed=0)
    assert "12 of 30 images" in caplog.text


def test_pairs_are_warned_of(caplog):
    pair = near_copies.NearCopy(("a", "b"), ("train", "test"), 0.97)
    with caplog.at_level("WARNING", logger="absl"):
        near_copies.warn_of([])
        assert not caplog.text
        near_copies.warn_of([pair])
    assert "1 pairs" in caplog.text and "a and b (train, test)" in caplog.text
    assert near_copies.as_json([pair])[0]["correlation"] == 0.97


def test_images_without_contrast_have_no_copies():
    flat = np.zeros([20, 32, 32], np.float32)
    assert near_copies.correlated_pairs(flat) == []
