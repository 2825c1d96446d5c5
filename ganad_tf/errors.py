"""Errors that a user can mend, told apart from our own bugs."""


class UserError(ValueError):
    """What the user gave cannot be used; the message says what to do.

    Tools end with the message as one line and exit code 1. Any other
    exception is a bug of the program and ends with a traceback.
    """
