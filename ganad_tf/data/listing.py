"""Listing: the image files that `--data` names, with their labels."""

from __future__ import annotations

import importlib.util
import os
from typing import NamedTuple

import numpy as np
from absl import logging

from ganad_tf import remote
from ganad_tf.errors import UserError

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")
# Images, but of formats that are not supported: listed, so that they are
# reported as unreadable.
OTHER_SUFFIXES = (".gif", ".webp", ".jp2", ".heic", ".avif", ".pgm", ".ppm")


class ImageFile(NamedTuple):
    """One image file of a data set."""

    path: str  # as it is opened
    name: str  # relative to the data set's folder, with forward slashes
    label: int  # 0 qualified, 1 defective
    defect_type: str  # "good", or the name of the kind of defect
    part: str  # "pool" (to be split), "train", "test" or "control"
    digest: str = ""  # SHA-256 of the file's bytes
    status: str = "ok"  # or the reason why it cannot be read or is not used
    group: str = ""  # of images that show one thing; empty without groups


def list_images(data: str) -> list[ImageFile]:
    """Lists the image files that `--data` names, in a fixed order.

    Args:
        data: A folder of qualified images (any depth), an MVTec-AD folder
            (`train/good`, `test/<type>` and perhaps `control/<name>`), here
            or anywhere (`remote`), or `elpv:mono` / `elpv:poly`, the solar
            cells of the package elpv-dataset.

    Returns:
        files: `ImageFile`s without digest.

    Raises:
        UserError: If there is no such folder or package, it holds no image,
            or `data` is an unknown name.
    """
    if data.startswith("elpv:"):
        return _list_elpv(data.removeprefix("elpv:"))
    if not remote.is_dir(data):
        raise UserError(
            f"There is no folder {data!r}. Expected --data to be a folder of "
            "images, an MVTec-AD folder, elpv:mono or elpv:poly"
        )
    if remote.is_dir(remote.join(data, "train", "good")):
        files = _list_mvtec(data)
    else:
        files = _list_folder(data, data, 0, "good", "pool")
    if not files:
        raise UserError(
            f"There is no image in {data!r}. Expected files named "
            f"{', '.join(SUFFIXES)}"
        )
    return files


def _list_folder(root, folder, label, defect_type, part) -> list[ImageFile]:
    files = []
    for parent, folders, names in remote.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            known = name.lower().endswith(SUFFIXES + OTHER_SUFFIXES)
            if known and not name.startswith("."):
                path = remote.join(parent, name)
                short = os.path.relpath(path, root).replace(os.sep, "/")
                files.append(ImageFile(path, short, label, defect_type, part))
    return sorted(files)


def _list_mvtec(root: str) -> list[ImageFile]:
    train = remote.join(root, "train", "good")
    files = _list_folder(root, train, 0, "good", "train")
    for part in ("test", "control"):
        parent = remote.join(root, part)
        kinds = remote.list_dir(parent)
        for kind in sorted(k for k in kinds if not k.startswith(".")):
            defective = part == "test" and kind != "good"
            folder = remote.join(parent, kind)
            files += _list_folder(root, folder, int(defective), kind, part)
    return files


def _list_elpv(kind: str) -> list[ImageFile]:
    if kind not in ("mono", "poly"):
        raise UserError(
            "Invalid value for --data. Expected elpv:mono or elpv:poly. "
            f"Received: elpv:{kind}"
        )
    package = importlib.util.find_spec("elpv_dataset")
    if package is None:
        raise UserError(
            "The solar cells are not installed: pip install elpv-dataset"
        )
    root = os.path.join(os.path.dirname(package.origin), "data")
    rows = np.genfromtxt(os.path.join(root, "labels.csv"), dtype=str)
    cells = [
        (name, float(probability))
        for name, probability, cell_type in rows
        if cell_type == kind
    ]
    # In between, the experts were not sure.
    certain = [cell for cell in cells if cell[1] in (0.0, 1.0)]
    logging.info(
        "elpv:%s: skipped %d cells that are neither surely qualified "
        "(probability 0) nor surely defective (probability 1).",
        kind,
        len(cells) - len(certain),
    )
    return sorted(_solar_cell(root, *cell) for cell in certain)


def _solar_cell(root: str, name: str, probability: float) -> ImageFile:
    path = os.path.join(root, name)
    if probability:
        return ImageFile(path, name, 1, "defective", "test")
    return ImageFile(path, name, 0, "good", "pool")
