import numpy as np

from ganad_tf.data import shuffling


def rows_of(number, **arguments):
    rows = shuffling.shuffled_rows(20000, seed=1, **arguments)
    return np.array(list(rows.take(number).as_numpy_iterator()))


def test_each_epoch_has_every_number_in_an_order_of_its_own():
    epochs = rows_of(40000).reshape(2, -1)
    for epoch in epochs:
        assert np.array_equal(np.sort(epoch), np.arange(20000))
        # Random from the first to the last: no buffer bounds the way.
        assert epoch[:100].max() > 18000
    assert not np.array_equal(*epochs)


def test_the_sequence_goes_on_anywhere():
    np.testing.assert_array_equal(rows_of(5, start=20007), rows_of(20012)[-5:])
