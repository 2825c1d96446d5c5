import numpy as np

from ganad_tf.detector.spool import Spool


def test_arrays_come_back_in_order_again_and_again():
    written = [
        (np.ones([3, 2], np.float32), np.arange(4)),
        (np.zeros([1, 2], np.float32), np.arange(2)),
    ]
    with Spool() as spool:
        for pair in written:
            spool.append(*pair)
        for _ in range(2):
            for expected, read in zip(written, spool, strict=True):
                for one, other in zip(expected, read, strict=True):
                    np.testing.assert_array_equal(one, other)
                    assert one.dtype == other.dtype


def test_what_is_appended_after_reading_goes_to_the_end():
    with Spool() as spool:
        spool.append(np.zeros(2))
        assert len(list(spool)) == 1
        spool.append(np.ones(3))
        assert [array.tolist() for (array,) in spool] == [[0, 0], [1, 1, 1]]


def test_nothing_is_nothing():
    with Spool() as spool:
        assert list(spool) == []
