"""The sweep: which combinations of settings to train, and which to take."""

from __future__ import annotations

from sklearn.model_selection import ParameterGrid
from sklearn.model_selection import ParameterSampler

SWEEP_NAME = "sweep.json"


def parse_sweep(text: str) -> dict[str, list[str]]:
    """Reads which values of which settings to try.

    Args:
        text: Such as "width=8,16;learning_rate=1e-4,3e-4".

    Returns:
        values: For each name, the values to try, as they are written.

    Raises:
        ValueError: If the text has another form.

    Example:
    >>> parse_sweep("width=8,16;batch_size=32")
    {'width': ['8', '16'], 'batch_size': ['32']}
    """
    values = {}
    for part in text.split(";"):
        name, separator, listed = part.partition("=")
        values[name.strip()] = [v.strip() for v in listed.split(",")]
        if not (separator and name.strip() and all(values[name.strip()])):
            raise ValueError(
                "Invalid value for --sweep. Expected name=value,value;... such "
                f'as "width=8,16;learning_rate=1e-4,3e-4". Received: {text!r}'
            )
    return values


def combinations(
    values: dict[str, list[str]], *, num_samples: int | None, seed: int
) -> list[dict[str, str]]:
    """The combinations to train, in an order that stays.

    Args:
        values: As `parse_sweep` gives them.
        num_samples: How many, drawn at random without repetition; None for
            all of the grid.
        seed: Of the draw.

    Returns:
        combinations: For each, the value of every name.

    Example:
    >>> combinations({"a": ["1", "2"]}, num_samples=None, seed=0)
    [{'a': '1'}, {'a': '2'}]
    """
    grid = ParameterGrid(values)
    if num_samples is None or num_samples >= len(grid):
        return list(grid)
    return list(ParameterSampler(values, num_samples, random_state=seed))


def folder_name(combination: dict[str, str]) -> str:
    """The name of a combination's folder.

    Example:
    >>> folder_name({"width": "8", "batch_size": "32"})
    'batch_size=32,width=8'
    """
    return ",".join(
        f"{name}={combination[name]}" for name in sorted(combination)
    )


def ranked(losses: dict[str, float]) -> list[str]:
    """Folder names, least held-out denoising loss first.

    Example:
    >>> ranked({"width=8": 0.2, "width=16": 0.1})
    ['width=16', 'width=8']
    """
    return sorted(losses, key=losses.get)
