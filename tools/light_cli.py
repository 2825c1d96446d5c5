"""What all tools share: flags, one line for a user's error, the next command.

`run(main)` parses the flags and calls `main`. An error that the user can mend
ends the tool with one line on standard error and exit code 1; `--verbosity=1`
shows its traceback. These are `UserError`s, errors of the operating system
about a file or a full disk, and an interrupt from the keyboard. Any other
exception is a bug and shows its traceback. Tools that need TensorFlow at every
start import `cli` instead.
"""

from __future__ import annotations

import errno
import functools
import os
import sys

from absl import app
from absl import flags
from absl import logging

from ganad_tf.errors import UserError

_ADVICE = {
    errno.ENOENT: "check the path",
    errno.ENOTDIR: "check the path",
    errno.EISDIR: "expected a file",
    errno.EACCES: "check the permissions",
    errno.EPERM: "check the permissions",
    errno.EROFS: "choose another folder",
    errno.ENOSPC: "free some disk space",
    errno.EDQUOT: "free some disk space",
}


def _user_message(error: BaseException) -> str | None:
    """What to tell the user; None for a bug of the program."""
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, KeyboardInterrupt):
        return "interrupted; run it again to resume"
    if isinstance(error, OSError):
        return _system_message(error)
    return _tensorflow_message(error)


def _system_message(error: OSError) -> str | None:
    """An error about a path; without one it is a bug, but for a full disk."""
    is_full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    if error.filename is None and not is_full:
        return None
    where = "" if error.filename is None else f"{error.filename}: "
    advice = _ADVICE.get(error.errno, "check the path")
    return f"{where}{error.strerror}; {advice}"


def _tensorflow_message(error: BaseException) -> str | None:
    """TensorFlow ends its messages about files with the system's own text."""
    errors = getattr(sys.modules.get("tensorflow"), "errors", None)
    if errors is None or not isinstance(error, errors.OpError):
        return None
    for code, advice in _ADVICE.items():
        if f"; {os.strerror(code)}" in error.message:
            return f"{error.message}; {advice}"
    return None


def _fail(message: str) -> None:
    sys.stdout.flush()
    tool = os.path.basename(sys.argv[0])
    line = " ".join(message.split())
    print(f"{tool}: error: {line}", file=sys.stderr, flush=True)
    sys.exit(1)


def _parse(argv: list[str], *, known_only: bool = False) -> list[str]:
    app.define_help_flags()
    try:
        rest = flags.FLAGS(argv, known_only=known_only)
    except flags.Error as error:
        _fail(f"{error} (--help lists the flags)")
    if len(rest) > 1 and not known_only:
        _fail(f"unexpected argument {rest[1]!r}: flags are --name=value")
    return rest


def finish(message: str, *next_commands: str) -> None:
    """Logs what a tool has written, and prints the commands that come next."""
    logging.info("%s. Next:", message)
    print("\n".join(next_commands))


def run_with_more(main) -> None:
    """Runs `main(rest)` so, with the arguments that are no absl flags."""
    _run(main, functools.partial(_parse, known_only=True))


def run(main) -> None:
    """Runs `main()` as a program with absl flags."""
    _run(lambda _: main(), _parse)


def _run(main, parse) -> None:
    def guarded(argv) -> None:
        logging.get_absl_handler().setFormatter(None)  # the bare message
        try:
            main(argv[1:])
        except (Exception, KeyboardInterrupt) as error:
            message = _user_message(error)
            if message is None:
                raise
            if flags.FLAGS.verbosity > 0:
                logging.exception("Traceback, as --verbosity asks for:")
            _fail(message or type(error).__name__)

    # Names of files may hold bytes that are no text.
    sys.stdout.reconfigure(errors="backslashreplace")
    logging.set_verbosity(logging.INFO)
    app.run(guarded, flags_parser=parse)
