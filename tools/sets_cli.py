"""The flags of tools that train on changed sets, and lists of numbers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from absl import flags

from ganad_tf.errors import UserError

_SETS = flags.DEFINE_list(
    "sets", None, "Values of --data, separated by commas.", required=True
)
_OUTPUT_DIR = flags.DEFINE_string(
    "output_dir", None, "Folder of models and reports.", required=True
)
_SETTINGS = flags.DEFINE_list(
    "settings",
    [],
    "Flags of train_gan.py for all runs, without dashes, such as "
    "num_steps=300,group_by=folder.",
)


def arguments() -> dict[str, Any]:
    """What all measurements take: `sets`, `folder` and `settings`."""
    return {
        "sets": _SETS.value,
        "folder": _OUTPUT_DIR.value,
        "settings": _settings(),
    }


def _settings() -> dict[str, Any]:
    """The settings by name; numbers are numbers."""
    parts = [text.partition("=") for text in _SETTINGS.value]
    if not all(name and value for name, _, value in parts):
        raise UserError(
            "Invalid value for --settings. Expected name=value, separated by "
            f"commas. Received: {','.join(_SETTINGS.value)}"
        )
    return {name: _number(value) for name, _, value in parts}


def _number(text: str) -> int | float | str:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return text


def integers(
    name: str, texts: Iterable[str], *, most: int | None = None
) -> list[int]:
    """Integers of a flag's list, at least 0.

    Args:
        name: Of the flag, for the error's text.
        texts: Its value.
        most: The largest; None for any.
    """
    texts = list(texts)
    if not texts or not all(
        text.isdecimal() and (most is None or int(text) <= most)
        for text in texts
    ):
        raise UserError(
            f"Invalid value for --{name}. Expected integers, separated by "
            f"commas. Received: {','.join(texts)}"
        )
    return [int(text) for text in texts]
