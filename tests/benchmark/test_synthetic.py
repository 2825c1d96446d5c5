import io

import numpy as np
from PIL import Image

from ganad_tf.benchmark import synthetic


def test_noise_fills_its_range():
    images = synthetic.noise(3, 8, 16)
    assert images.shape == (3, 8, 16, 1) and images.dtype == np.float32
    assert -1 <= images.min() < -0.9 and 0.9 < images.max() <= 1
    np.testing.assert_array_equal(images, synthetic.noise(3, 8, 16))


def test_pngs_decode_and_differ(tmp_path):
    first, second = synthetic.noise_pngs(2, 8, 16)
    with Image.open(io.BytesIO(first)) as image:
        assert image.size == (16, 8) and image.mode == "L"
    assert first != second
    paths = synthetic.write_pngs(str(tmp_path), 2)
    assert len(set(map(open_bytes, paths))) == 2


def open_bytes(path):
    with open(path, "rb") as file:
        return file.read()


def test_a_detector_of_noise_gives_verdicts():
    gan = synthetic.build_gan(image_size=32, latent_dim=8, width=4)
    detector = synthetic.fit_detector(gan, num_steps=1)
    assert detector.inverter.num_steps == 1
    detection = detector.detect(synthetic.noise(2, 32, 32))
    assert np.isfinite(detection.anomaly_scores).all()
