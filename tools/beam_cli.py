"""The quiet import of Beam, for the tools that need it."""

from __future__ import annotations

import importlib
import logging
from types import ModuleType

from ganad_tf.errors import UserError


def import_bulk(*names: str) -> list[ModuleType]:
    """Imports modules of `ganad_tf.bulk`.

    Args:
        *names: Of the modules.

    Returns:
        modules: In this order.

    Raises:
        UserError: If the extra `beam` is not installed.
    """
    # Beam tells of clouds that it cannot reach.
    logging.getLogger("apache_beam").setLevel(logging.WARNING)
    logging.disable(logging.WARNING)
    try:
        return [importlib.import_module(f"ganad_tf.bulk.{n}") for n in names]
    except ModuleNotFoundError as error:
        raise UserError(
            f"This tool needs the extra `beam` ({error}): pip install "
            '"ganad_tf[beam]"'
        ) from error
    finally:
        logging.disable(logging.NOTSET)
