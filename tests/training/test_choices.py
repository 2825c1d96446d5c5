import numpy as np
import pytest
from conftest import make_parts
from conftest import make_textures
from conftest import write_images

from ganad_tf.errors import UserError
from ganad_tf.recipes import JOINT
from ganad_tf.recipes import PAPER
from ganad_tf.training import choices
from ganad_tf.training.sample_images import SampleImages


@pytest.fixture(scope="module")
def sample_of(tmp_path_factory):
    """Makes `SampleImages` of arrays."""

    def write(images):
        folder = tmp_path_factory.mktemp("images")
        write_images(folder, images)
        return SampleImages(sorted(map(str, folder.iterdir())))

    return write


@pytest.fixture(scope="module")
def parts(sample_of):
    return sample_of(make_parts(24, seed=0))


@pytest.fixture(scope="module")
def textures(sample_of):
    return sample_of(make_textures(24, seed=0, size=72))


def test_latents_are_as_many_as_held_out_images_need():
    generator = np.random.default_rng(0)
    basis = generator.normal(size=(300, 32 * 32))

    def of_rank(rank, count):
        images = generator.normal(size=(count, rank)) @ basis[:rank]
        return images.reshape(count, 32, 32, 1)

    few, many = dims = JOINT.aligned_latent_dims
    train, held_out = of_rank(40, 300), of_rank(40, 50)
    assert choices.choose_latent_dim(train, held_out, dims) == few
    train, held_out = of_rank(300, 100), of_rank(300, 50)
    assert choices.choose_latent_dim(train, held_out, dims) == many


def test_parts_are_aligned_and_textures_are_not():
    noise = np.random.default_rng(0).normal(0, 0.3, size=(40, 32, 32, 1))
    assert choices.is_aligned(make_parts(40, seed=0))
    assert not choices.is_aligned(noise)


@pytest.mark.parametrize(
    ("size", "aligned", "expected"),
    [
        ((300, 500), True, None),
        ((128, 500), False, None),
        ((300, 501), False, (304, 504)),
    ],
)
def test_large_textures_are_tiled(size, aligned, expected):
    arguments = {"aligned": aligned, "image_size": 64, "tile_stride": 8}
    assert choices.choose_field_size(size, **arguments) == expected


def test_aligned_parts_are_judged_whole_by_the_recipe(parts):
    config = choices.resolve(parts, parts, image_size=32, seed=3)
    assert config.aligned and config.field_size is None
    assert (config.image_size, config.channels, config.seed) == (32, 1, 3)
    assert config.latent_dim in JOINT.aligned_latent_dims
    for name in ("width", "num_steps", "batch_size", "learning_rate"):
        assert getattr(config, name) == getattr(JOINT, name)


def test_the_paper_has_its_own_defaults_and_no_tiles(textures):
    config = choices.resolve(
        textures, textures, method="paper", image_size=16, tile_size=16
    )
    assert config.field_size is None and not config.aligned
    assert config.latent_dim == PAPER.texture_latent_dim
    assert config.learning_rate == PAPER.learning_rate
    assert config.width == PAPER.width


def test_textures_choose_tiles_where_whole_images_lose_too_much(textures):
    config = choices.resolve(textures, textures, image_size=32)
    assert (config.field_size, config.image_size) == ((72, 72), 16)
    assert (config.tile_stride, config.latent_dim) == (8, 64)
    config = choices.resolve(
        textures, textures, image_size=32, tile_size="whole"
    )
    assert (config.field_size, config.image_size) == (None, 32)
    assert config.latent_dim == JOINT.texture_latent_dim


def test_overrides_are_taken_as_they_are(textures):
    config = choices.resolve(
        textures,
        textures,
        channels=3,
        aligned=True,
        latent_dim=5,
        tile_size=32,
        tile_stride=8,
        resize=[50, 64],
        num_steps=7,
        width=None,
        without=["linear_head", "adversarial", "linear_head"],
    )
    assert (config.channels, config.aligned, config.latent_dim) == (3, True, 5)
    assert (config.field_size, config.image_size) == ((48, 64), 32)
    assert (config.num_steps, config.width) == (7, JOINT.width)
    assert config.without == ("adversarial", "linear_head")


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"image_size": 48}, "image_size=48"),
        ({"tile_size": 20}, "tile_size=20"),
        ({"tile_size": 16, "tile_stride": 17}, "tile_stride=17"),
        ({"resize": [512]}, "Received: 512"),
        ({"resize": [512, "x"]}, "Received: 512,x"),
        ({"num_steps": 0}, "num_steps=0"),
        ({"method": "other"}, "method='other'"),
        ({"method": "paper", "without": ["adversarial"]}, "'adversarial'"),
    ],
)
def test_an_invalid_override_is_the_users_error(textures, overrides, message):
    with pytest.raises(UserError, match=message):
        choices.resolve(textures, textures, aligned=False, **overrides)


def test_an_unknown_override_is_a_bug_of_the_caller(parts):
    with pytest.raises(TypeError, match="steps"):
        choices.resolve(parts, parts, steps=5)
