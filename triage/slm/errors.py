"""What can go wrong with a language model.

EngineError
├── ModelMissingError     the weights are not on this machine
├── ModelIntegrityError   a file is not what its hash says
├── EngineBusyError       the bounded queue is full
├── EngineTimeoutError    no answer in time
└── AnswerError           an answer that is not in the grammar, or without all five levels
"""


class EngineError(Exception):
    """The model could not answer. Messages never hold patient data."""


class ModelMissingError(EngineError):
    """The weights are not on this machine; the message names the command that brings them."""


class ModelIntegrityError(EngineError):
    """A model file is not what its recorded hash says."""


class EngineBusyError(EngineError):
    """More questions wait than the engine accepts."""


class EngineTimeoutError(EngineError):
    """No answer within the time allowed."""


class AnswerError(EngineError):
    """The answer is not in the grammar, or a level's probability is missing."""
