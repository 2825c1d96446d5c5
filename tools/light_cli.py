"""What all tools share: flags, and one line for a user's error.

`run(main)` parses the flags and calls `main`. An error that the user can mend
(a ValueError, a missing file, a training that diverged, a SavedModel that fails
its check) ends the tool with one line on standard error and exit code 1;
`--verbosity=1` shows the traceback. Tools that need TensorFlow at every start
import `cli` instead.
"""

from __future__ import annotations

import os
import sys

from absl import app
from absl import flags
from absl import logging

from ganad_tf.serving import c_api

_USER_ERRORS = (
    ValueError,
    OSError,
    FloatingPointError,
    KeyboardInterrupt,
    c_api.ModelError,
)


def _user_errors() -> tuple[type[BaseException], ...]:
    tensorflow = sys.modules.get("tensorflow")
    return _USER_ERRORS + ((tensorflow.errors.OpError,) if tensorflow else ())


def _one_line(error: BaseException) -> str:
    if isinstance(error, KeyboardInterrupt):
        return "stopped; run it again to go on"
    return " ".join(str(error).split()) or type(error).__name__


def _fail(message: str) -> None:
    sys.stdout.flush()
    tool = os.path.basename(sys.argv[0])
    print(f"{tool}: error: {message}", file=sys.stderr, flush=True)
    sys.exit(1)


def _parse(argv: list[str]) -> list[str]:
    app.define_help_flags()
    try:
        rest = flags.FLAGS(argv)
    except flags.Error as error:
        _fail(f"{_one_line(error)} (--help lists the flags)")
    if len(rest) > 1:
        _fail(f"unexpected argument {rest[1]!r}: flags are --name=value")
    return rest


def run(main) -> None:
    """Runs `main()` as a program with absl flags."""

    def guarded(_) -> None:
        logging.get_absl_handler().setFormatter(None)  # the bare message
        try:
            main()
        except _user_errors() as error:
            if flags.FLAGS.verbosity > 0:
                logging.exception("Traceback, as --verbosity asks for:")
            _fail(_one_line(error))

    logging.set_verbosity(logging.INFO)
    app.run(guarded, flags_parser=_parse)
