"""Files on any file system of Beam: here, or at an address such as gs://."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NamedTuple

from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems

from ganad_tf import artifacts
from ganad_tf.data import image_files
from ganad_tf.data.listing import OTHER_SUFFIXES
from ganad_tf.data.listing import SUFFIXES
from ganad_tf.errors import UserError
from ganad_tf.serving import score_files

_WILDCARDS = "*?["
_MIME_TYPE = "application/octet-stream"
# By default Beam packs and unpacks files by their suffix.
_AS_IT_IS = CompressionTypes.UNCOMPRESSED


class FoundFile(NamedTuple):
    """One file, as a file system lists it."""

    path: str
    size: int  # bytes


def is_local(path: str) -> bool:
    """Whether a path is of this machine's own file system."""
    return "://" not in path


def list_images(pattern: str) -> Iterator[FoundFile]:
    """Lists image files, as `score_files.list_image_paths` does.

    Args:
        pattern: A file, a folder (any depth) or a glob pattern, on any file
            system of Beam.

    Yields:
        found: `FoundFile`s in no order that counts.

    Raises:
        UserError: If there is none.
    """
    if is_local(pattern):
        for path in score_files.list_image_paths(pattern):
            yield FoundFile(path, score_files.size_of_file(path))
        return
    found = _match(pattern)
    if not found and not any(mark in pattern for mark in _WILDCARDS):
        folder = pattern.rstrip("/") + "/"
        found = [
            file
            for file in _match(f"{folder}**")
            if _is_image(file.path.removeprefix(folder))
        ]
    if not found:
        raise UserError(
            f"There is no image at {pattern}. Expected a file, a folder or a "
            "glob pattern"
        )
    yield from found


def _match(pattern: str) -> list[FoundFile]:
    (result,) = FileSystems.match([pattern])
    return [
        FoundFile(file.path, file.size_in_bytes)
        for file in result.metadata_list
    ]


def _is_image(name: str) -> bool:
    """Whether a file of a folder is one that the listing of folders takes."""
    hidden = any(part.startswith(".") for part in name.split("/"))
    return not hidden and name.lower().endswith(SUFFIXES + OTHER_SUFFIXES)


def read_image_or_reason(path: str) -> bytes | str:
    """The bytes of an image file, or why it cannot be used.

    Args:
        path: The file, on any file system of Beam.

    Returns:
        data: Encoded PNG or JPEG; or the reason, in one line.
    """
    if is_local(path):
        return score_files.read_or_reason(path)
    try:
        return image_files.checked_image_bytes(read_bytes(path))
    except UserError as error:
        return str(error)
    # File systems raise whatever their client libraries raise.
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        return f"{image_files.UNREADABLE}: {reason}"


def read_bytes(path: str) -> bytes:
    """Reads a file.

    Args:
        path: The file, on any file system of Beam.

    Returns:
        data: Its bytes.
    """
    with FileSystems.open(path, _MIME_TYPE, _AS_IT_IS) as file:
        return file.read()


def write_bytes(path: str, data: bytes) -> None:
    """Writes a file that is never seen in part, nor left in part.

    Here it gets its name when it is complete; object stores show an object
    only when it is.

    Args:
        path: The file, on any file system of Beam.
        data: The content.
    """
    if is_local(path):
        artifacts.write_bytes(path, data)
        return
    with FileSystems.create(path, _MIME_TYPE, _AS_IT_IS) as file:
        file.write(data)


def exists(path: str) -> bool:
    """Whether there is a file, on any file system of Beam."""
    return FileSystems.exists(path)


def list_names(folder: str) -> set[str]:
    """Names of the files in a folder; none where there is no such folder."""
    if is_local(folder):
        return set(os.listdir(folder)) if os.path.isdir(folder) else set()
    return {file.path.rpartition("/")[2] for file in _match(join(folder, "*"))}


def join(folder: str, name: str) -> str:
    """The path of a name in a folder, on any file system of Beam."""
    return f"{folder.rstrip('/')}/{name}"
