"""The data sets a recipe may name, and what it may say about each."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Self

from pydantic import Field, field_validator, model_validator

from data_schemas._base import Frozen
from triage.training.corpus import LabelledCase, authored, authored_ktas, ktas, mimic, nhamcs, vignettes

Reader = Callable[[Path], Iterable[LabelledCase]]

READERS: dict[str, Reader] = {
    "nhamcs": nhamcs.read,
    "ktas": ktas.read,
    "vignettes": vignettes.read,
    "mimic": mimic.read,
}
"""Data sets that lie in a file or folder of the reader's own; a new one is a line here."""

SHIPPED: dict[str, Callable[[], Iterable[LabelledCase]]] = {
    "authored": authored.read,
    "authored_ktas": authored_ktas.read,
}
"""Data sets inside the project: no ``path``."""


class PartConfig(Frozen):
    """One data set in the mixture."""

    dataset: str
    path: Path | None = None
    name: str = ""
    """In curve and record; the data set's name where empty. Needed where a data set is there twice."""
    groups: tuple[str, ...] = ()
    """Keep only cases whose group starts with one of these (NHAMCS: years)."""
    count: int | None = Field(default=None, ge=1)
    """How many to sample; with ``shares`` a level that has too few is gone through again. All where None."""
    shares: tuple[float, float, float, float, float] | None = None
    """Of levels 1-5 among the sampled; those of the data where None."""
    repeat: int = Field(default=1, ge=1)
    """How often each sampled case becomes an example, each time with other vital signs dropped."""
    hold_out: int = Field(default=0, ge=0)
    """Cases scored during training, chosen by hash of the case id; never trained on."""
    hold_out_one_in: int | None = Field(default=None, ge=2)
    """Hold out whole groups (hospitals), one in this many, chosen by hash; ``hold_out`` of their cases are scored."""
    teacher: Path | None = None
    """Probabilities to learn from beside the label: ``case_id``, ``p1`` to ``p5``, out of fold."""
    calibrate: bool = True
    """Whether the held-out cases also fit the calibration of their scale."""

    @field_validator("dataset")
    @classmethod
    def _known(cls, value: str) -> str:
        known = [*READERS, *SHIPPED]
        if value not in known:
            raise ValueError(f"no data set {value!r}: one of {', '.join(known)}")
        return value

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.path is None) != (self.dataset in SHIPPED):
            raise ValueError(f"{self.dataset}: " + ("takes no path" if self.path else "needs a path"))
        if self.shares is not None and (min(self.shares) < 0 or abs(sum(self.shares) - 1.0) > 1e-6):
            raise ValueError("shares of levels 1-5 must sum to 1")
        if self.hold_out_one_in is not None and not self.hold_out:
            raise ValueError("hold_out_one_in needs hold_out: how many of those cases are scored")
        return self

    @property
    def title(self) -> str:
        """What curve and record call it."""
        return self.name or self.dataset

    def read(self) -> Iterable[LabelledCase]:
        """Its labelled cases, of the wanted groups, in the order of the data.

        Raises:
            CorpusError: not of the data set's form.
            FileNotFoundError: there is nothing at ``path``.
        """
        cases = READERS[self.dataset](self.path) if self.path is not None else SHIPPED[self.dataset]()
        return (
            case
            for case in cases
            if case.acuity is not None and (not self.groups or case.group.startswith(self.groups))
        )
