import os
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
from PIL import Image
from test_image_tensors import GRAY
from test_image_tensors import PIXELS
from test_image_tensors import encode
from test_image_tensors import save

from ganad_tf.data import image_files
from ganad_tf.errors import UserError


def deep_color_tiff():
    """An RGB image of 16 bits a channel, which Pillow cannot write."""
    side = 20
    values = [
        (256, 3, 1, side),
        (257, 3, 1, side),
        (258, 3, 3, 122),  # where the bits of the three channels stand
        (259, 3, 1, 1),
        (262, 3, 1, 2),
        (273, 4, 1, 128),  # where the pixels start
        (277, 3, 1, 3),
        (278, 3, 1, side),
        (279, 4, 1, 6 * side * side),
    ]
    head = b"II*\0" + struct.pack("<IH", 8, len(values))
    entries = b"".join(struct.pack("<HHII", *value) for value in values)
    start = (head + entries + bytes(4)).ljust(122, b"\0")
    return start + struct.pack("<3H", 16, 16, 16) + bytes(6 * side * side)


def claim(data, place, width, height, order):
    """A file whose header claims another size."""
    size = struct.pack(f"{order}ii", width, height)
    return data[:place] + size + data[place + 8 :]


def claiming_png(width, height):
    """A PNG file of some bytes that claims a size; its checksum is right."""
    chunk = claim(encode(GRAY, "PNG"), 16, width, height, ">")[12:29]
    sum_of_header = struct.pack(">I", zlib.crc32(chunk))
    data = encode(GRAY, "PNG")
    return data[:12] + chunk + sum_of_header + data[33:]


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
        (deep_color_tiff(), "16-bit colour TIFF: expected 8 bits"),
        (claiming_png(50000, 50000), "too large"),
        (claiming_png(11000, 11000), "too large"),
        (claim(encode(GRAY, "BMP"), 18, 50000, 50000, "<"), "too large"),
    ],
)
def test_unusable_files_say_why(tmp_path, data, reason):
    with pytest.raises(UserError, match=reason) as caught:
        image_files.read_image_bytes(save(tmp_path, data))
    assert "\n" not in str(caught.value)


def test_a_missing_file_says_so(tmp_path):
    with pytest.raises(UserError, match="No such file"):
        image_files.read_image_bytes(str(tmp_path / "none.png"))


def test_what_is_no_file_says_so(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")  # reading it would never end
    with pytest.raises(UserError, match="not a regular file"):
        image_files.read_image_bytes(str(tmp_path / "pipe.png"))
    with open(tmp_path / "vast.png", "wb") as file:
        file.truncate(2**31)
    with pytest.raises(UserError, match="too large: 2147483648 bytes"):
        image_files.read_image_bytes(str(tmp_path / "vast.png"))


@pytest.mark.parametrize("kind", [ValueError, TypeError, KeyError, MemoryError])
def test_any_error_of_a_decoder_is_a_reason(tmp_path, monkeypatch, kind):
    def fail(_):
        raise kind("buffer is\nnot large enough")

    path = save(tmp_path, encode(GRAY, "BMP"))
    monkeypatch.setattr(image_files.Image, "open", fail)
    with pytest.raises(UserError, match="corrupt .*is.+not large enough"):
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
