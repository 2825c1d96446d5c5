"""The sweep: trains combinations of settings and names the best one."""

from __future__ import annotations

import os
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Sequence

from absl import logging
from sklearn.model_selection import ParameterGrid
from sklearn.model_selection import ParameterSampler

from ganad_tf import artifacts
from ganad_tf.errors import UserError

SWEEP_NAME = "sweep.json"


def parse_sweep(text: str, *, names: Iterable[str]) -> dict[str, list[str]]:
    """Reads the values to try of each setting.

    Args:
        text: Such as "width=8,16;learning_rate=1e-4,3e-4".
        names: Settings that may be swept.

    Returns:
        values: For each setting, the values to try, as text.

    Raises:
        UserError: If the text has another form or names another setting.

    Example:
    >>> parse_sweep("width=8,16;batch_size=32", names=["width", "batch_size"])
    {'width': ['8', '16'], 'batch_size': ['32']}
    """
    values = {}
    for part in text.split(";"):
        name, separator, listed = part.partition("=")
        name = name.strip()
        values[name] = [value.strip() for value in listed.split(",")]
        if not (separator and name and all(values[name])):
            raise UserError(
                "Invalid value for --sweep. Expected name=value,value;... such "
                f'as "width=8,16;learning_rate=1e-4,3e-4". Received: {text!r}'
            )
    unknown = sorted(set(values) - set(names))
    if unknown:
        raise UserError(
            f"Invalid value for --sweep. Expected {', '.join(sorted(names))}. "
            f"Received: {', '.join(unknown)}"
        )
    return values


def combinations(
    values: dict[str, list[str]], *, num_samples: int | None, seed: int
) -> list[dict[str, str]]:
    """Lists the combinations to train, in a fixed order.

    Args:
        values: As `parse_sweep` returns them.
        num_samples: How many to draw at random, without repetition; None for
            all of the grid.
        seed: Of the draw.

    Returns:
        combinations: For each, a value of every setting.

    Example:
    >>> combinations({"a": ["1", "2"]}, num_samples=None, seed=0)
    [{'a': '1'}, {'a': '2'}]
    """
    grid = ParameterGrid(values)
    if num_samples is None or num_samples >= len(grid):
        return list(grid)
    return list(ParameterSampler(values, num_samples, random_state=seed))


def folder_name(combination: dict[str, str]) -> str:
    """Returns the name of a combination's folder.

    Example:
    >>> folder_name({"width": "8", "batch_size": "32"})
    'batch_size=32,width=8'
    """
    return ",".join(
        f"{name}={combination[name]}" for name in sorted(combination)
    )


def ranked(losses: dict[str, float]) -> list[str]:
    """Returns folder names, least denoising loss of held-out images first.

    Example:
    >>> ranked({"width=8": 0.2, "width=16": 0.1})
    ['width=16', 'width=8']
    """
    return sorted(losses, key=losses.get)


def run_sweep(
    train_one: Callable[[dict[str, str], str], float],
    chosen: Sequence[dict[str, str]],
    sweep_dir: str,
) -> str:
    """Trains every combination in a folder of its own.

    `sweep.json` is written after each, so that an interrupted sweep shows
    what it has found so far.

    Args:
        train_one: Trains a combination in a model folder; returns the
            denoising loss of held-out images.
        chosen: As `combinations` returns them, at least one.
        sweep_dir: Folder of the model folders and of `sweep.json`.

    Returns:
        model_dir: The folder of the combination with the least loss.
    """
    losses = {}
    for row, combination in enumerate(chosen):
        name = folder_name(combination)
        logging.info("Combination %d of %d: %s.", row + 1, len(chosen), name)
        losses[name] = train_one(combination, os.path.join(sweep_dir, name))
        order = ranked(losses)
        artifacts.write_json(
            os.path.join(sweep_dir, SWEEP_NAME),
            {
                "best": order[0],
                "held_out_denoising_loss": {n: losses[n] for n in order},
                "num_combinations": len(chosen),
            },
        )
    return os.path.join(sweep_dir, order[0])
