"""What others have published about the accuracy of triage: shown apart, never compared case by case.

The figures are in ``published.yaml``, each with its source and with how its input differs from ours. Nothing here is
measured by this project: other patients, other labels, often other scales.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Literal, Self

import yaml
from pydantic import Field, ValidationError, model_validator

from data_schemas._base import Frozen
from triage.metrics.confusions import SCORES

_FILE = Path(__file__).with_name("published.yaml")

NOT_COMPARABLE = (
    "Published by others on other patients: not comparable case by case with the measured rows, "
    "and no difference to them is tested."
)
"""What every report says above these rows."""

Kind = Literal["nurse", "prompted LLM", "fine-tuned model", "boosting", "hybrid", "commercial"]


class Source(Frozen):
    """Where a figure was published. ``peer_reviewed`` is None where it is not known."""

    citation: str = Field(min_length=10)
    year: int = Field(ge=1990, le=2100)
    doi: str | None = Field(default=None, pattern=r"^10\.\d{4,9}/\S+$")
    arxiv: str | None = Field(default=None, pattern=r"^\d{4}\.\d{4,5}$")
    url: str | None = Field(default=None, pattern=r"^https://\S+$")
    peer_reviewed: bool | None = None


class PublishedResult(Frozen):
    """One published result.

    ``n``: cases (answers, where ``n_unit`` says so), None where it is not known. ``scores``: names of
    ``triage.metrics.confusions.SCORES``, only where the source's definition is the same. ``source_scores``: the
    others, as the source names them, in the source's unit. ``intervals``: 95 % intervals that the source gives.
    ``verified``: the figures were found in the source's abstract, page or data; False: only in notes about it.
    """

    id: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9.]+)*$")
    model: str
    kind: Kind
    task: str
    data: str
    n: int | None = Field(default=None, ge=1)
    n_unit: str = "cases"
    population: str
    scale: str
    reference: str
    """What the level was judged against."""
    scores: Mapping[str, float] = Field(default_factory=dict)
    source_scores: Mapping[str, float] = Field(default_factory=dict)
    intervals: Mapping[str, tuple[float, float]] = Field(default_factory=dict)
    input_differs: str = Field(min_length=20)
    source: Source
    verified: bool
    verified_by: str | None = None
    note: str | None = None

    @model_validator(mode="after")
    def _says_what_it_is(self) -> Self:
        unknown = self.scores.keys() - set(SCORES)
        if unknown:
            raise ValueError(f"no score is called {', '.join(sorted(unknown))}: it belongs in source_scores")
        renamed = self.source_scores.keys() & set(SCORES)
        if renamed:
            raise ValueError(f"{', '.join(sorted(renamed))} is a score of ours: it belongs in scores")
        if not self.scores and not self.source_scores:
            raise ValueError("a result without any score")
        for name, value in self.scores.items():
            lowest = -1.0 if name == "quadratic_weighted_kappa" else 0.0
            if not lowest <= value <= 1.0:
                raise ValueError(f"{name} {value} is not between {lowest:g} and 1")
        for name, (low, high) in self.intervals.items():
            held = self.scores.get(name, self.source_scores.get(name))
            if held is None or not low <= held <= high:
                raise ValueError(f"the interval of {name} does not hold its value")
        if self.verified != (self.verified_by is not None):
            raise ValueError("say in verified_by what the figures were found in, and only where verified")
        return self


class PublishedError(ValueError):
    """The file of published figures is broken; names the entry."""


@cache
def published() -> tuple[PublishedResult, ...]:
    """Every shipped published result, in the file's order.

    Raises:
        PublishedError: the shipped file is broken.
    """
    return read_published(_FILE)


def read_published(path: Path) -> tuple[PublishedResult, ...]:
    """The results of a file of the shipped one's form: ``sources`` by key, ``results`` that name one.

    Raises:
        PublishedError: not of the form, an unknown source, or an id twice.
    """
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    if not isinstance(content, dict) or content.keys() != {"sources", "results"}:
        raise PublishedError(f"{path.name}: needs sources and results")
    found: list[PublishedResult] = []
    for item in content["results"]:
        name = item.get("id", "an entry without id")
        if item.get("source") not in content["sources"]:
            raise PublishedError(f"{path.name}, {name}: its source is not among the sources")
        try:
            found.append(
                PublishedResult.model_validate({**item, "source": content["sources"][item["source"]]})
            )
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise PublishedError(
                f"{path.name}, {name}: {where} {first['msg']}".replace(":  ", ": ")
            ) from None
        if name in {other.id for other in found[:-1]}:
            raise PublishedError(f"{path.name}: {name} is there twice")
    return tuple(found)
