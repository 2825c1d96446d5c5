"""Versions: the package's, read by `setup.cfg` too, and its dependencies'."""

import importlib.metadata
import platform

__version__ = "0.1.0"
# Packages that numbers depend on.
_PACKAGES = ("tensorflow", "keras", "numpy", "scipy", "scikit-learn")


def versions() -> dict[str, str]:
    """Returns versions by name: of this package, Python and dependencies.

    Nothing is imported: the versions are those of the installed packages.

    Example:
    >>> list(versions())[:3]
    ['ganad_tf', 'python', 'tensorflow']
    """
    installed = {name: importlib.metadata.version(name) for name in _PACKAGES}
    return {
        "ganad_tf": __version__,
        "python": platform.python_version(),
        **installed,
    }
