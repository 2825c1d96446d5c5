"""Errors that a user can mend, told apart from our own bugs."""

import re


class UserError(ValueError):
    """What the user gave cannot be used; the message says what to do.

    Tools end with the message as one line and exit code 1. Any other
    exception is a bug of the program and ends with a traceback.
    """


def runtime_reason(message: str) -> str:
    r"""What TensorFlow's runtime says of a failed operation, in one line.

    Args:
        message: Of an error of TensorFlow, or of a server that runs it.

    Returns:
        reason: Without names of nodes, stack traces and functions.

    Example:
    >>> runtime_reason("Graph execution error:\n\nno image\n\t [[{{node a}}]]")
    'no image'
    """
    text = message.partition("\n\t [[")[0]
    lines = re.sub(r"\{\{.*?\}\}|\[Op:\w+\].*", "", text).strip().splitlines()
    has_trace = bool(lines) and lines[0].startswith("Graph execution error")
    reason = (lines or ["no message"])[-1 if has_trace else 0].strip()
    return re.sub(r"^assertion failed: \[(.*)\]$", r"\1", reason)
