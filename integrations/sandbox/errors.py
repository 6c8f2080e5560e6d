"""What can go wrong with the sandbox server."""


class SandboxError(Exception):
    """The sandbox could not be made, started or filled; ``tail`` is the end of the log that says why."""

    def __init__(self, message: str, tail: str = "") -> None:
        super().__init__(f"{message}\n{tail.strip()}" if tail.strip() else message)
        self.tail = tail
