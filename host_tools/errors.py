"""The one error that a command shows to its user: a sentence that says what is wrong and what to do, and an exit code."""

OK = 0
FAILED = 1  # the command ran, and what it was to do did not succeed
USAGE = 2  # the call's words or files are not right
MISSING = 3  # something that the command needs is not on this machine
INTERRUPTED = 130  # Ctrl-C


class UserError(Exception):
    """What went wrong, in one line, with what to do about it.

    The command line prints it as `meterbridge: <message>` on standard error and exits with `code`.
    """

    def __init__(self, message: str, code: int = USAGE):
        super().__init__(message)
        self.code = code
