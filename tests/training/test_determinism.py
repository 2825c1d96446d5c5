import keras
import numpy as np
import tensorflow as tf

from ganad_tf.training.determinism import use_determinism


def test_equal_seeds_draw_equal_numbers():
    def draw(seed):
        use_determinism(seed)
        return (np.random.normal(), float(tf.random.normal([])))

    assert draw(3) == draw(3) != draw(4)


def test_names_start_anew():
    names = []
    for _ in range(2):
        use_determinism(0)
        names.append(keras.layers.Dense(1).name)
    assert names[0] == names[1]
