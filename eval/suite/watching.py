"""Who is told how far a run is."""

from typing import Protocol


class Watch(Protocol):
    """Told of progress; every method returns at once."""

    def stage(self, words: str) -> None:
        """What is done now, where it cannot be counted."""
        ...

    def begin(self, words: str, total: int) -> None:
        """Something that can be counted begins."""
        ...

    def advance(self, count: int) -> None:
        """So many more are done."""
        ...


class Silent:
    """Nobody wants to know."""

    def stage(self, words: str) -> None:
        """See ``Watch``."""

    def begin(self, words: str, total: int) -> None:
        """See ``Watch``."""

    def advance(self, count: int) -> None:
        """See ``Watch``."""
