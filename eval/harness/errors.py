"""What stops an evaluation before it starts."""


class HarnessError(ValueError):
    """The cases or the models cannot be evaluated as asked; names the file, the column and the remedy, no patient."""
