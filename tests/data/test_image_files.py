import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from test_images import GRAY
from test_images import PIXELS
from test_images import encode
from test_images import save

from ganad_tf.data import image_files


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
    with pytest.raises(ValueError, match=reason) as caught:
        image_files.read_image_bytes(save(tmp_path, data))
    assert "\n" not in str(caught.value)


def test_a_missing_file_says_so(tmp_path):
    with pytest.raises(ValueError, match="No such file"):
        image_files.read_image_bytes(str(tmp_path / "none.png"))


def test_files_that_tensorflow_decodes_stay_as_they_are(tmp_path):
    for kind in ("PNG", "JPEG"):
        data = encode(GRAY, kind)
        assert image_files.read_image_bytes(save(tmp_path, data)) == data
    tiff = save(tmp_path, encode(GRAY, "TIFF"))
    assert image_files.read_image_bytes(tiff).startswith(b"\x89PNG")


def test_no_tensorflow_is_needed():
    script = (
        "import sys\n"
        "from ganad_tf.data import dataset, image_files\n"
        "assert 'tensorflow' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
