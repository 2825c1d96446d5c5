"""Addresses of one of several models, by its name."""

from __future__ import annotations

import os


def model_address(base: str, name: str) -> str:
    """The address of a model.

    Args:
        base: A server without a model's name, or a folder of models.
        name: The model's name, that of its folder.

    Returns:
        address: As `open_scorer` takes it.

    Example:
    >>> model_address("http://localhost:8501", "bottle")
    'http://localhost:8501/v1/models/bottle'
    >>> model_address("grpc://localhost:8500/", "bottle")
    'grpc://localhost:8500/bottle'
    >>> model_address("saved_models", "bottle")
    'saved_models/bottle'
    """
    if base.startswith(("http://", "https://")):
        return f"{base.rstrip('/')}/v1/models/{name}"
    if base.startswith(("grpc://", "grpcs://")):
        return f"{base.rstrip('/')}/{name}"
    return os.path.join(base, name)


def paths_by_model(paths: list[str], root: str) -> dict[str, list[str]]:
    """Routes images by the first folder below a root.

    Args:
        paths: Images below the root.
        root: A folder with a folder of images for each model.

    Returns:
        paths: By model's name; images in no such folder are left out.

    Example:
    >>> paths_by_model(["in/a/1.png", "in/b/x/2.png", "in/3.png"], "in")
    {'a': ['in/a/1.png'], 'b': ['in/b/x/2.png']}
    """
    routed: dict[str, list[str]] = {}
    for path in paths:
        name, _, rest = os.path.relpath(path, root).partition(os.sep)
        if rest:
            routed.setdefault(name, []).append(path)
    return routed
