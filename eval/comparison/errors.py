"""What stops a comparison."""


class ComparisonError(ValueError):
    """Files do not fit together. Names the file and the remedy; never a patient or a case."""
