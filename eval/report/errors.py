"""What can go wrong with reports."""


class ReportError(ValueError):
    """A file of results cannot be read, or two runs cannot be compared; names the file and the remedy."""
