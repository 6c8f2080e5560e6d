"""Calibration of the level's probabilities, the decision rule, and the prediction set.

Temperature scaling after Guo et al. 2017 ("On Calibration of Modern Neural Networks"), with a bias per level
because sites mix levels differently: a site's own numbers go before those of its scale. The decision rule is a
threshold on the probability of levels 1-2: triage is not symmetric, a missed level 2 hurts more than a level 3 seen
early. So the rule may only make a suggestion more urgent than the most likely level, never less. Where a hospital
bounds its under-triage, the prediction set reaches up as far as that takes (``conformal``).
"""

import hashlib
import math
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, StringConstraints, ValidationError, model_validator

from data_schemas import AcuityScale, IntakeRecord, LevelProbabilities
from data_schemas._base import Frozen
from triage.slm.arrival_group import ArrivalGroup, arrival_group
from triage.slm.conformal import RiskPolicy, reach
from triage.slm.errors import ModelIntegrityError
from triage.slm.prompt import PROMPT_VERSION

UNCALIBRATED = "uncalibrated"

SiteName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
"""What a site calls itself: letters, digits, dot, dash and underscore."""


LevelBias = tuple[float, float, float, float, float]


class ScaleCalibration(Frozen):
    """The numbers for one scale.

    ``temperature`` divides the log-probabilities, ``bias`` is added to them (levels 1 to 5), then they are
    normalised. ``level_1_threshold``: suggest 1 where p(1) reaches it. ``high_threshold``: suggest 2 where
    p(1) + p(2) reaches it. ``set_mass``: the prediction set holds at least this probability. ``risk``: what bounds
    under-triage and then decides how far up the set reaches; None where nobody asked for a bound. ``groups`` holds
    numbers of kinds of arrivals that go before these. ``beside_rules`` are the numbers to use where the level of the
    rules alone is known too; ``rules_bias``, which only those have, is added to their bias: a row for each level of
    the rules.
    """

    temperature: float = Field(default=1.0, gt=0.0)
    bias: LevelBias = (0.0, 0.0, 0.0, 0.0, 0.0)
    level_1_threshold: float = Field(default=0.5, gt=0.0, le=1.0)
    high_threshold: float = Field(default=0.5, gt=0.0, le=1.0)
    set_mass: float = Field(default=0.8, gt=0.0, le=1.0)
    fitted_on: str | None = None
    risk: RiskPolicy | None = None
    groups: dict[ArrivalGroup, "ScaleCalibration"] = Field(default_factory=dict)
    beside_rules: "ScaleCalibration | None" = Field(default=None, exclude_if=lambda numbers: numbers is None)
    rules_bias: tuple[LevelBias, LevelBias, LevelBias, LevelBias, LevelBias] | None = Field(
        default=None, exclude_if=lambda rows: rows is None
    )

    def with_rules(self, level: int) -> "ScaleCalibration":
        """The numbers for a record that the rules alone put at ``level``: these where none were fitted beside them."""
        numbers = self.beside_rules
        if numbers is None or numbers.rules_bias is None:
            return self
        b1, b2, b3, b4, b5 = (
            own + more for own, more in zip(numbers.bias, numbers.rules_bias[level - 1], strict=True)
        )
        return numbers.model_copy(update={"bias": (b1, b2, b3, b4, b5), "rules_bias": None})

    @model_validator(mode="after")
    def _beside_rules(self) -> Self:
        """Numbers beside the rules have a row for each of their levels, and nothing further in them."""
        inner = self.beside_rules
        if inner is None:
            return self
        if (
            inner.rules_bias is None
            or inner.beside_rules is not None
            or inner.groups
            or inner.risk is not None
        ):
            raise ValueError("numbers beside the rules have a rules_bias, and neither groups nor a bound")
        if self.risk is not None or self.rules_bias is not None:
            raise ValueError(
                "a bound on under-triage is kept without the rules' level: leave out beside_rules"
            )
        return self

    @model_validator(mode="after")
    def _one_deep(self) -> Self:
        """A group has no groups, and no bound: that is kept for all patients of a site together."""
        if self.groups and self.risk is not None:
            raise ValueError("a bound on under-triage is kept for all patients alike: leave out the groups")
        if any(numbers.groups or numbers.risk is not None for numbers in self.groups.values()):
            raise ValueError("a group of arrivals has neither groups nor a bound of its own")
        return self


class CalibrationFile(Frozen):
    """What lies beside an adapter as ``calibration.json``.

    ``adapter_sha256`` and ``prompt_version`` say whose probabilities it was fitted on: for any others it means nothing.
    """

    name: str
    adapter_sha256: str | None = None
    prompt_version: str | None = None
    scales: dict[AcuityScale, ScaleCalibration]
    sites: dict[SiteName, dict[AcuityScale, ScaleCalibration]] = Field(default_factory=dict)
    """Numbers of one site, which go before those of the scale."""
    guarantee: str | None = None
    """Of older files, and never read: a guarantee stands with the numbers that keep it (``ScaleCalibration.risk``)."""

    @model_validator(mode="after")
    def _promises_are_of_their_site(self) -> Self:
        """A bound kept at one site promises nothing at another, nor for a whole scale."""
        of_scales = [(None, numbers) for numbers in self.scales.values()]
        of_sites = [(name, numbers) for name, entry in self.sites.items() for numbers in entry.values()]
        for name, numbers in of_scales + of_sites:
            if numbers.risk is not None and numbers.risk.site != name:
                raise ValueError(f"a guarantee of {numbers.risk.site} stands with {name or 'a scale'}")
        return self


class Calibration:
    """Turns an engine's probabilities into a suggestion and a prediction set, for one scale.

    ``adapter_sha256`` is the adapter whose probabilities it was fitted on, None for the base model: another
    model's probabilities mean something else, and so do the same model's after another prompt. ``fitted`` is
    False where the numbers are only the defaults.
    """

    def __init__(
        self,
        name: str,
        numbers: ScaleCalibration,
        *,
        adapter_sha256: str | None = None,
        prompt_version: str = PROMPT_VERSION,
        fitted: bool = True,
    ) -> None:
        self.name = name
        self.numbers = numbers
        self.adapter_sha256 = adapter_sha256
        self.prompt_version = prompt_version
        self.fitted = fitted

    @classmethod
    def none(cls) -> Self:
        """No calibration: probabilities as they are, and the default thresholds."""
        return cls(UNCALIBRATED, ScaleCalibration(), fitted=False)

    @classmethod
    def load(cls, path: Path, scale: AcuityScale, site: str | None = None) -> Self:
        """Read ``calibration.json``; a scale it does not hold is uncalibrated.

        A site's numbers go before the scale's; a site that has none for this scale takes the scale's.

        Raises:
            ModelIntegrityError: the file is not a calibration (the message names the field), or holds nothing of
                ``site``.
        """
        raw = path.read_bytes()
        content = read_calibration(path, raw)
        if site is not None and site not in content.sites:
            there = ", ".join(content.sites) or "none"
            raise ModelIntegrityError(
                f"{path.name} holds nothing of the site {site} (TRIAGE_SITE; it holds: {there}): "
                f"`triage model calibrate --site {site}` writes it"
            )
        own = content.sites.get(site, {}).get(scale) if site is not None else None
        numbers = own or content.scales.get(scale)
        if numbers is None:
            return cls.none()
        digest = hashlib.sha256(raw).hexdigest()[:12]
        name = content.name if own is None else f"{content.name}/{site}"
        return cls(
            f"{name}@{digest}",
            numbers,
            adapter_sha256=content.adapter_sha256,
            prompt_version=content.prompt_version or "unknown",
        )

    def for_arrival(self, record: IntakeRecord, rules_level: int | None = None) -> "Calibration":
        """The calibration of this record's kind of arrival: itself where the file has none of its own.

        ``rules_level`` is that of the rules alone, for those who read the model beside them, as the agent does.
        """
        group = arrival_group(record) if self.numbers.groups else None
        numbers = self.numbers if group is None else self.numbers.groups.get(group, self.numbers)
        if rules_level is not None:
            numbers = numbers.with_rules(rules_level)
        if numbers is self.numbers:
            return self
        return Calibration(
            self.name,
            numbers,
            adapter_sha256=self.adapter_sha256,
            prompt_version=self.prompt_version,
            fitted=self.fitted,
        )

    @property
    def guarantee(self) -> str | None:
        """What is promised about under-triage, and on what it rests; None where nothing is."""
        return None if self.numbers.risk is None else self.numbers.risk.guarantee

    def fits(self, adapter_sha256: str | None) -> bool:
        """Whether it may be applied to answers of this adapter (None: of the base model) to our prompt."""
        same = self.adapter_sha256 == adapter_sha256 and self.prompt_version == PROMPT_VERSION
        return same or not self.fitted

    def require_fit(self, adapter_sha256: str | None) -> None:
        """For evaluation, where numbers of another model would be measured in silence.

        Raises:
            ModelIntegrityError: it does not fit this adapter (None: the base model) or our prompt.
        """
        if not self.fits(adapter_sha256):
            raise ModelIntegrityError(
                f"the calibration {self.name} was fitted on another adapter or prompt: calibrate again"
            )

    def apply(self, probabilities: LevelProbabilities) -> LevelProbabilities:
        """Calibrated probabilities."""
        floor = 1e-12
        logs = [
            math.log(max(p, floor)) / self.numbers.temperature + bias
            for p, bias in zip(probabilities.p, self.numbers.bias, strict=True)
        ]
        top = max(logs)
        weights = [math.exp(value - top) for value in logs]
        total = math.fsum(weights)
        p1, p2, p3, p4, p5 = (weight / total for weight in weights)
        return LevelProbabilities(p=(p1, p2, p3, p4, p5))

    def decide(self, probabilities: LevelProbabilities) -> int:
        """The suggested level for calibrated ``probabilities``: never less urgent than the most likely one."""
        p = probabilities.p
        if p[0] >= self.numbers.level_1_threshold:
            return 1
        by_threshold = 2 if p[0] + p[1] >= self.numbers.high_threshold else 5
        return min(by_threshold, probabilities.most_likely)

    def prediction_set(self, probabilities: LevelProbabilities) -> tuple[int, int]:
        """The most and the least urgent level of a run of levels around the suggestion.

        Without a bound on under-triage it grows, likelier side first and the more urgent of equals, until it holds
        ``set_mass``. With one, only the bound decides how far up it reaches; then it grows down until it holds
        ``set_mass`` of what is left.
        """
        p = probabilities.p
        first = last = self.decide(probabilities)
        mass = self.numbers.set_mass
        if self.numbers.risk is not None:
            first = reach(probabilities, first, self.numbers.risk.threshold)
            while last < 5 and sum(p[first - 1 : last]) < mass * sum(p[first - 1 :]):
                last += 1
            return first, last
        while sum(p[first - 1 : last]) < mass and (first > 1 or last < 5):
            up = p[first - 2] if first > 1 else -1.0
            down = p[last] if last < 5 else -1.0
            if up >= down:
                first -= 1
            else:
                last += 1
        return first, last


def read_calibration(path: Path, raw: bytes | None = None) -> CalibrationFile:
    """The whole of a calibration file.

    Raises:
        ModelIntegrityError: it is not one; the message names the field.
        OSError: it cannot be read.
    """
    try:
        return CalibrationFile.model_validate_json(path.read_bytes() if raw is None else raw)
    except ValidationError as error:
        where = "; ".join(".".join(map(str, item["loc"])) + ": " + item["msg"] for item in error.errors())
        raise ModelIntegrityError(f"{path.name} is not a calibration file: {where}") from None
