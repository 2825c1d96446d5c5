"""What the tools share: quiet start, one-line errors, progress in the log.

`run(main)` parses the flags and calls `main`. A user's error (a ValueError,
a missing file, a training that diverged) ends the tool with one line on
standard error and exit code 1; `--verbosity=1` shows the traceback too.
"""

from __future__ import annotations

import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("GRPC_VERBOSITY", "ERROR")

from absl import app
from absl import flags
from absl import logging

_USER_ERRORS = (ValueError, OSError, FloatingPointError, KeyboardInterrupt)


def _one_line(error: BaseException) -> str:
    if isinstance(error, KeyboardInterrupt):
        return "stopped by the user; run again to go on"
    return " ".join(str(error).split()) or type(error).__name__


def _fail(message: str) -> None:
    tool = os.path.basename(sys.argv[0])
    print(f"{tool}: error: {message}", file=sys.stderr, flush=True)
    # Daemon threads of TensorFlow may not outlive the interpreter.
    sys.stdout.flush()
    os._exit(1)


def _parse(argv: list[str]) -> list[str]:
    try:
        rest = flags.FLAGS(argv)
    except flags.Error as error:
        _fail(f"{_one_line(error)} (see --help)")
    if len(rest) > 1:
        _fail(f"unexpected argument {rest[1]!r}: flags are --name=value")
    return rest


def run(main) -> None:
    """Runs `main()` as an absl program."""

    def guarded(_):
        logging.use_absl_handler()
        logging.get_absl_handler().setFormatter(None)
        try:
            main()
        except _USER_ERRORS as error:
            if flags.FLAGS.verbosity > 0:
                logging.exception("Traceback, as --verbosity=1 asks for:")
            _fail(_one_line(error))

    logging.set_verbosity(logging.INFO)
    app.run(guarded, flags_parser=_help_or_parse)


def _help_or_parse(argv: list[str]) -> list[str]:
    """`app.run` shows the help of a tool whose `--help` parses."""
    rest = _parse(argv)
    return rest
