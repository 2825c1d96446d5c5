import numpy as np
import pytest
from PIL import Image

from ganad_tf.data import dataset
from ganad_tf.data import image_files
from ganad_tf.data import masks
from ganad_tf.data.listing import ImageFile
from ganad_tf.errors import UserError


def test_masks_are_found_beside_the_test(mvtec_folder):
    files = dataset.scan_images(dataset.list_images(mvtec_folder))
    split = dataset.split_images(files, seed=0)
    # write_images names masks like the images, without "_mask".
    mask = masks.load_mask(split.test_defective[0], image_size=32)
    assert mask.sum() == 49 and mask[20, 4]
    assert masks.load_mask(split.test_qualified[0], image_size=32) is None
    assert mask.dtype == np.bool_


@pytest.fixture
def saved(tmp_path):
    """Saves a picture as the mask of an image; returns that image's file."""
    name = "test/spot/a.png"
    (tmp_path / "ground_truth" / "spot").mkdir(parents=True)
    (tmp_path / "test" / "spot").mkdir(parents=True)
    Image.new("L", (40, 40)).save(tmp_path / name)

    def save(picture):
        picture.save(tmp_path / "ground_truth" / "spot" / "a_mask.png")
        return ImageFile(str(tmp_path / name), name, 1, "spot", "test")

    return save


def truth(side=40):
    mask = np.zeros([side, side], np.uint8)
    mask[8:12, 20:30] = 1
    return mask


@pytest.mark.parametrize("factor", [1, 2, 255])
@pytest.mark.parametrize("mode", ["L", "RGB", "P", "I;16", "1"])
def test_masks_of_any_values_and_depth_say_the_same(saved, factor, mode):
    picture = Image.fromarray(truth() * factor)
    if mode == "I;16":
        picture = Image.fromarray(truth().astype(np.uint16) * factor)
    elif mode == "1":
        picture = Image.fromarray(truth().astype(bool))
    else:
        picture = picture.convert(mode)
    found = masks.load_mask(saved(picture), image_size=40)
    np.testing.assert_array_equal(found, truth() == 1)


def test_gray_edges_of_a_mask_are_cut_at_half(saved):
    mask = truth() * 255
    mask[7, 20:30] = 60
    found = masks.load_mask(
        saved(Image.fromarray(mask.astype(np.uint8))), image_size=40
    )
    np.testing.assert_array_equal(found, truth() == 1)


def test_a_mask_that_is_no_image_is_named(saved, tmp_path):
    file = saved(Image.fromarray(truth()))
    path = tmp_path / "ground_truth" / "spot" / "a_mask.png"
    for data in (path.read_bytes()[:60], b"text", b""):
        path.write_bytes(data)
        with pytest.raises(UserError, match=f"mask {path}: .*image"):
            masks.load_mask(file, image_size=40)


@pytest.mark.parametrize("size", [(40, 20), (41, 38), (20, 18)])
def test_a_mask_of_another_aspect_is_named(saved, size):
    with pytest.raises(UserError, match=r"a_mask.png: .* 40x40 px"):
        masks.load_mask(saved(Image.new("L", size)), image_size=40)


def test_a_vast_mask_is_refused_before_it_is_decoded(saved, monkeypatch):
    file = saved(Image.new("L", (80, 80)))
    monkeypatch.setattr(image_files, "MAX_PIXELS", 40 * 40)
    with pytest.raises(UserError, match="a_mask.png: too large: 80x80 px"):
        masks.load_mask(file, image_size=40)


@pytest.mark.parametrize("size", [(40, 41), (7, 8), (5, 5), (97, 96)])
def test_a_mask_may_have_any_size_of_the_aspect(saved, size):
    assert not masks.load_mask(saved(Image.new("L", size)), image_size=40).any()


def test_an_empty_mask_is_empty(saved):
    picture = Image.fromarray(np.zeros([40, 40], np.uint8))
    assert not masks.load_mask(saved(picture), image_size=16).any()


@pytest.mark.parametrize("size", [(64, 48), (31, 77), (640, 512)])
def test_no_pixel_is_lost_by_shrinking_or_growing(size):
    rng = np.random.default_rng(0)
    for _ in range(50):
        shape = rng.integers(20, 700, 2)
        mask = np.zeros(shape, bool)
        row, column = rng.integers(0, shape)
        mask[row, column] = True
        found = np.argwhere(masks.resize_mask(mask, image_size=size))
        assert len(found)
        # Where it was, within a pixel.
        expected = (np.array([row, column]) + 0.5) / shape * size
        growth = np.maximum(np.array(size) / shape, 1.0)
        assert (np.abs(found + 0.5 - expected) <= growth).all()
