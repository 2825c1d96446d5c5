import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from test_image_tensors import GRAY
from test_image_tensors import PIXELS
from test_image_tensors import encode
from test_image_tensors import save

from ganad_tf.data import image_files
from ganad_tf.errors import UserError


@pytest.mark.parametrize(
    "data, reason",
    [
        (b"", "empty file"),
        (b"hello", "not an image"),
        (encode(GRAY, "PNG")[:-30], "corrupt or truncated"),
        (encode(GRAY, "JPEG")[:-200], "corrupt or truncated"),
        (encode(GRAY.resize((1, 1)), "PNG"), "1x1 px: expected at least 16"),
        (encode(GRAY, "GIF", save_all=True, append_images=[GRAY]), "GIF"),
        (encode(Image.fromarray(PIXELS / 255.0), "TIFF"), "pixel type F"),
        (encode(Image.fromarray(PIXELS.astype(np.int32)), "TIFF"), "type I"),
    ],
)
def test_unusable_files_say_why(tmp_path, data, reason):
    with pytest.raises(UserError, match=reason) as caught:
        image_files.read_image_bytes(save(tmp_path, data))
    assert "\n" not in str(caught.value)


def test_a_missing_file_says_so(tmp_path):
    with pytest.raises(UserError, match="No such file"):
        image_files.read_image_bytes(str(tmp_path / "none.png"))


def test_any_error_of_a_decoder_is_a_reason(tmp_path, monkeypatch):
    def fail(_):
        raise ValueError("buffer is not large enough")

    path = save(tmp_path, encode(GRAY, "BMP"))
    monkeypatch.setattr(image_files.Image, "open", fail)
    with pytest.raises(UserError, match="corrupt .*not large enough"):
        image_files.read_image_bytes(path)


def test_files_that_tensorflow_decodes_stay_as_they_are(tmp_path):
    for kind in ("PNG", "JPEG"):
        data = encode(GRAY, kind)
        assert image_files.read_image_bytes(save(tmp_path, data)) == data
    tiff = save(tmp_path, encode(GRAY, "TIFF"))
    assert image_files.read_image_bytes(tiff).startswith(b"\x89PNG")


def test_no_tensorflow_is_needed():
    script = (
        "import sys\n"
        "from ganad_tf.data import dataset, image_files, listing\n"
        "assert 'tensorflow' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
