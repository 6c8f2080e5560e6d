"""What can go wrong while a model is put behind a server."""

from triage.slm.errors import EngineError


class ServeError(EngineError):
    """The server could not be made ready, or ended. The message says what is wrong and how to mend it.

    ``log_tail``: the end of the server's log, for a person who looks further. It holds no patient data: requests are
    not logged.
    """

    def __init__(self, message: str, log_tail: str = "") -> None:
        super().__init__(message)
        self.log_tail = log_tail
