import numpy as np
import tensorflow as tf
from conftest import make_parts
from conftest import tiny_config
from conftest import write_images
from tensorboard.backend.event_processing import event_accumulator

from ganad_tf.data.listing import list_images
from ganad_tf.detector import inversion_curves
from ganad_tf.gan.inversion import InversionCurves


def test_curves_have_a_row_for_each_step(parts_detector, tmp_path):
    tiny_config().save(str(tmp_path / "model"))
    write_images(tmp_path / "parts", make_parts(8, seed=3))
    curves = inversion_curves.invert_samples(
        parts_detector,
        str(tmp_path / "model"),
        list_images(str(tmp_path / "parts")),
    )
    num_steps = parts_detector.inverter.num_steps
    assert curves.losses.shape == (num_steps + 1, 8)


def test_quantiles_of_inversions_are_written_by_step(tmp_path):
    losses = np.random.default_rng(0).uniform(size=[3, 50])
    curves = InversionCurves(losses, 2.0 * losses)
    inversion_curves.write_curves(str(tmp_path), "parts", curves)
    events = event_accumulator.EventAccumulator(
        str(tmp_path / "logs" / "inversion"), size_guidance={"tensors": 0}
    ).Reload()
    written = events.Tensors("inversion_losses_of_parts/quantile_25")
    assert [event.step for event in written] == [0, 1, 2]
    values = [float(tf.make_ndarray(e.tensor_proto)) for e in written]
    np.testing.assert_allclose(
        values, np.quantile(losses, 0.25, axis=1), rtol=1e-6
    )
    num_tags = 2 * len(inversion_curves.QUANTILES)
    assert len(events.Tags()["tensors"]) == num_tags
