"""Why an entered arrival is not in the hospital's record."""

from enum import StrEnum


class NotFiled(StrEnum):
    """``unknown``: it may be there; sending the same form again looks first. With all others nothing was written."""

    UNREACHABLE = "unreachable"
    REFUSED = "refused"
    NOT_ALLOWED = "not-allowed"
    NO_TRANSACTION = "no-transaction"
    OTHER_PATIENT = "other-patient"
    SEVERAL_PATIENTS = "several-patients"
    UNKNOWN = "unknown"


class NotFiledError(Exception):
    """The arrival was not filed, or nobody can say whether it was. Holds no patient data."""

    def __init__(self, reason: NotFiled) -> None:
        super().__init__(reason.value)
        self.reason = reason


class NotReadBackError(Exception):
    """What was entered is not what the reader finds: ``kinds`` says which facts are lacking or differ."""

    def __init__(self, kinds: tuple[str, ...]) -> None:
        super().__init__(", ".join(kinds))
        self.kinds = kinds
