"""Building GANs: of a configuration, or of a trained model's folder."""

from __future__ import annotations

from ganad_tf.errors import UserError
from ganad_tf.gan import networks
from ganad_tf.gan.gan import DCGAN
from ganad_tf.gan.latent_prior import LatentPrior
from ganad_tf.gan.linear_head import LinearHead
from ganad_tf.recipes import recipe_of
from ganad_tf.training import callbacks
from ganad_tf.training.configuration import TrainingConfig


def build_gan(config: TrainingConfig) -> DCGAN:
    """Builds and compiles the GAN of a configuration, untrained.

    Args:
        config: `TrainingConfig`.

    Returns:
        gan: Compiled `DCGAN`; a linear head is not fitted yet.

    Raises:
        UserError: If the configuration has an unknown method or ablation.
    """
    recipe = recipe_of(config.method).without(config.without)
    size = {"image_size": config.image_size, "channels": config.channels}
    latents = {"latent_dim": config.latent_dim}
    hidden = {
        "width": config.width,
        "dtype": "mixed_bfloat16" if config.mixed_precision else "float32",
    }
    generator = networks.build_generator(
        **size,
        **latents,
        **hidden,
        activation=recipe.activation,
        output_stddev=recipe.output_stddev,
        seed=config.seed,
    )
    # Seeds apart, so that no two networks start with the same weights.
    discriminator = networks.build_discriminator(
        **size, **hidden, seed=config.seed + 1000
    )
    encoder = head = prior = None
    if recipe.has_encoder:
        encoder = networks.build_encoder(
            **size, **latents, **hidden, seed=config.seed + 2000
        )
        head = LinearHead(**size, **latents)
        prior = LatentPrior(**latents)
    gan = DCGAN(
        generator,
        discriminator,
        encoder,
        head,
        prior,
        num_steps=config.num_steps,
        seed=config.seed,
        **recipe.gan_arguments,
    )
    gan.compile(config.learning_rate, config.discriminator_learning_rate)
    return gan


def load_gan(model_dir: str) -> DCGAN:
    """Loads the trained GAN of a model folder.

    Args:
        model_dir: Folder that `train_gan` wrote.

    Returns:
        gan: The `DCGAN`.

    Raises:
        UserError: If there is no model, or its training run is not complete.
    """
    gan = build_gan(TrainingConfig.load(model_dir))
    step = callbacks.Checkpoint(model_dir).restore(gan)
    if step < gan.num_steps:
        raise UserError(
            f"The training run in {model_dir} is not complete: step {step} of "
            f"{gan.num_steps}. Run train_gan.py again with the same flags; it "
            "resumes"
        )
    return gan
