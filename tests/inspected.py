"""An image and what the signature `inspect` may say of it."""

import io

import numpy as np
from PIL import Image


def png(pixels):
    buffer = io.BytesIO()
    Image.fromarray(np.uint8(pixels)).save(buffer, "PNG")
    return buffer.getvalue()


def outputs(peak):
    shown = np.zeros([16, 24])
    shown[2:5, 4:6] = peak
    return {
        "reconstruction_png_bytes": png(np.full([16, 24], 128)),
        "anomaly_map_png_bytes": png(shown),
        "is_defective": True,
        "anomaly_score": 2.5,
        "p_value": 0.01,
    }


IMAGE = png(np.full([32, 48], 99))
