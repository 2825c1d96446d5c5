import hashlib

import numpy as np
from conftest import fitted_detector

from ganad_tf.detector import weights_digest as digests


def test_the_digest_is_that_of_the_bytes(parts_detector):
    gan = parts_detector.gan
    expected = hashlib.sha256()
    for owner in (gan.ema_generator, gan.ema_encoder, gan.linear_head):
        for array in owner.get_weights():
            expected.update(f"{array.dtype}{array.shape}".encode())
            expected.update(np.ascontiguousarray(array).data)
    assert digests.weights_digest(parts_detector) == expected.hexdigest()


def test_one_changed_weight_changes_the_digest():
    detector = fitted_detector()
    before = digests.weights_digest(detector)
    assert before == digests.weights_digest(detector)
    kernel = detector.gan.ema_encoder.layers[-1].kernel
    values = kernel.numpy()
    values.flat[0] = np.nextafter(values.flat[0], np.float32(9.0))
    kernel.assign(values)
    assert before != digests.weights_digest(detector)


def test_weights_of_training_alone_do_not_count(parts_detector):
    weights = digests.inference_weights(parts_detector)
    training = {id(v.value) for v in parts_detector.gan.discriminator.weights}
    assert weights and not training & {id(weight) for weight in weights}
