"""What an exit code means."""

from enum import IntEnum


class Exit(IntEnum):
    """0 everything done; the rest say what was not."""

    DONE = 0
    FAILED = 1
    """Nothing was done: the message says why and what to do."""
    USAGE = 2
    """The command line or the configuration is wrong."""
    SOME_UNREADABLE = 3
    """Some files, encounters or cases could not be read or have no level; the others were done and are listed."""
    RULES_ONLY = 4
    """Everything was triaged, at least one patient without the model."""
    NOT_WRITTEN = 5
    """Decided and kept here, but the hospital's record has not confirmed it; it is retried."""
    DECIDED = 6
    """Somebody else decided first, or the assessment is out of date; nothing was changed."""
    BROKEN_CHAIN = 7
    """The audit chain does not verify."""
    NOT_IDENTICAL = 8
    """A stored answer could not be given again, or came out otherwise."""
    ALERTS = 9
    """An alert is open: a patient got worse, or the hospital's record holds a less urgent level."""
    REGRESSION = 10
    """A run of the evaluation is worse than the one before, beyond the interval of the difference."""
    INTERRUPTED = 130
    """Stopped by Ctrl-C; what was done is kept, and the same command goes on."""
