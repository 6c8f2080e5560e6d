"""What others have estimated for closed models: shown with its source, labelled, and in no ratio."""

from functools import cache
from pathlib import Path

import yaml
from pydantic import Field, ValidationError

from data_schemas._base import Frozen
from eval.energy.meter import EnergyError
from eval.suite.result import EnergyRow

_FILE = Path(__file__).with_name("estimates.yaml")


class PublishedEstimate(Frozen):
    """One figure. ``wh_per_query``: watt-hours of what ``query`` says. ``seen``: where the figure was looked up."""

    id: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9.]+)*$")
    model: str
    wh_per_query: float = Field(gt=0)
    low: float | None = Field(gt=0)
    high: float | None = Field(gt=0)
    query: str
    includes: str
    source: str = Field(min_length=10)
    date: str = Field(pattern=r"^\d{4}(-\d{2}){0,2}$")
    url: str = Field(pattern=r"^https://\S+$")
    seen: str

    def row(self) -> EnergyRow:
        """As a row of a report: 1,000 such queries, which are not 1,000 triages of ours."""
        return EnergyRow(
            row=self.model,
            source="estimate",
            meter=f"nothing was metered here: an estimate for {self.query}; {self.includes}",
            wh_per_1000=1000 * self.wh_per_query,
            low=None if self.low is None else 1000 * self.low,
            high=None if self.high is None else 1000 * self.high,
            what="other hardware, other prompts, another number of tokens: not comparable with a measured row",
            reference=f"{self.source}. {self.url}",
        )


@cache
def published_estimates() -> tuple[PublishedEstimate, ...]:
    """Those of ``estimates.yaml``.

    Raises:
        EnergyError: the file is not as it must be.
    """
    try:
        return tuple(
            PublishedEstimate.model_validate(one) for one in yaml.safe_load(_FILE.read_text("utf-8"))
        )
    except (OSError, yaml.YAMLError, ValidationError, TypeError) as error:
        raise EnergyError(f"{_FILE.name} cannot be read: {error}") from None


def estimate_rows() -> tuple[EnergyRow, ...]:
    """Every published estimate as a row."""
    return tuple(one.row() for one in published_estimates())
