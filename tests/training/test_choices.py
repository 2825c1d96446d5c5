import numpy as np
import pytest
from conftest import make_parts
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


def test_latents_are_as_many_as_held_out_images_need():
    generator = np.random.default_rng(0)
    basis = generator.normal(size=(300, 32 * 32))

    def of_rank(rank, count):
        images = generator.normal(size=(count, rank)) @ basis[:rank]
        return images.reshape(count, 32, 32, 1)

    few, many = dims = JOINT.latent_dims
    train, held_out = of_rank(40, 300), of_rank(40, 50)
    assert choices.choose_latent_dim(train, held_out, dims) == few
    train, held_out = of_rank(300, 100), of_rank(300, 50)
    assert choices.choose_latent_dim(train, held_out, dims) == many
    # Six images and their mirror images have no more components.
    assert choices.choose_latent_dim(train[:6], held_out, dims) == 23


def test_what_is_not_given_is_the_recipes(parts):
    config = choices.resolve(parts, parts, image_size=32, seed=3)
    assert (config.image_size, config.channels, config.seed) == (32, 1, 3)
    assert config.latent_dim == 4 * 24 - 1  # few images have no more
    for name in ("width", "num_steps", "batch_size", "learning_rate"):
        assert getattr(config, name) == getattr(JOINT, name)


def test_the_paper_has_its_own_defaults(parts):
    config = choices.resolve(parts, parts, method="paper", image_size=16)
    assert (config.latent_dim,) == PAPER.latent_dims
    assert config.learning_rate == PAPER.learning_rate
    assert config.width == PAPER.width


def test_overrides_are_taken_as_they_are(parts):
    config = choices.resolve(
        parts,
        parts,
        image_size=16,
        channels=3,
        latent_dim=5,
        num_steps=7,
        width=None,
        without=["linear_head", "adversarial", "linear_head"],
    )
    assert (config.channels, config.image_size) == (3, 16)
    assert config.latent_dim == 5
    assert (config.num_steps, config.width) == (7, JOINT.width)
    assert config.without == ("adversarial", "linear_head")


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"image_size": 48}, "image_size=48"),
        ({"num_steps": 0}, "num_steps=0"),
        ({"method": "other"}, "method='other'"),
        ({"method": "paper", "without": ["adversarial"]}, "'adversarial'"),
    ],
)
def test_an_invalid_override_is_the_users_error(parts, overrides, message):
    with pytest.raises(UserError, match=message):
        choices.resolve(parts, parts, **overrides)


def test_an_unknown_override_is_a_bug_of_the_caller(parts):
    with pytest.raises(TypeError, match="steps"):
        choices.resolve(parts, parts, steps=5)


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((300, 300), (256, 256)),
        ((1260, 500), (640, 256)),
        ((128, 128), (128, 128)),
        ((2000, 10000), (208, 1024)),
        ((5, 9), (16, 16)),
    ],
)
def test_the_field_keeps_aspect_and_enlarges_nothing(size, expected):
    assert choices.choose_field_size(size) == expected


def test_a_higher_resolution_is_a_larger_field():
    assert choices.choose_field_size((2000, 1600), 512) == (640, 512)


def test_a_resolution_below_a_cell_is_an_error():
    with pytest.raises(UserError, match="--resolution.*resolution=8"):
        choices.choose_field_size((300, 300), 8)


def test_mirror_images_of_handed_parts_are_not_trained():
    parts = make_parts(60, seed=0)
    handed = parts.copy()
    handed[:, :, 4:8] -= 0.5  # a mark on the left
    may = choices.may_mirror(handed[:40], handed[40:])
    assert may["left-right"] is False
    symmetric = parts + parts[:, :, ::-1]
    may = choices.may_mirror(symmetric[:40], symmetric[40:])
    assert may["left-right"] is True
