import keras
import numpy as np

from ganad_tf.gan import optimizers


def test_the_learning_rate_is_constant_then_decays():
    rate = optimizers.decayed_learning_rate(0.1, 100)
    np.testing.assert_allclose([rate(0), rate(59)], 0.1, rtol=1e-5)
    np.testing.assert_allclose(rate(100), 0.002, rtol=1e-3)


def test_the_optimizers_state_exists_before_the_first_step():
    variable = keras.Variable(np.ones(3, "float32"))
    optimizer = optimizers.build_adam(
        0.1, 0.99, num_steps=10, variables=[variable]
    )
    assert optimizer.built and len(optimizer.variables) > 2
    assert (optimizer.beta_1, optimizer.beta_2) == (0.5, 0.99)
