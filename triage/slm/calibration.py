"""Calibration of the level's probabilities, the decision rule, and the prediction set.

Temperature scaling after Guo et al. 2017 ("On Calibration of Modern Neural Networks"), with a bias per level
because sites mix levels differently. The decision rule is a threshold on the probability of levels 1-2: triage
is not symmetric, a missed level 2 hurts more than a level 3 seen early. So the rule may only make a suggestion
more urgent than the most likely level, never less.
"""

import hashlib
import math
from pathlib import Path
from typing import Self

from pydantic import Field, ValidationError

from data_schemas import AcuityScale, LevelProbabilities
from data_schemas._base import Frozen
from triage.slm.errors import ModelIntegrityError
from triage.slm.prompt import PROMPT_VERSION

UNCALIBRATED = "uncalibrated"


class ScaleCalibration(Frozen):
    """The numbers for one scale.

    ``temperature`` divides the log-probabilities, ``bias`` is added to them (levels 1 to 5), then they are
    normalised. ``level_1_threshold``: suggest 1 where p(1) reaches it. ``high_threshold``: suggest 2 where
    p(1) + p(2) reaches it. ``set_mass``: the prediction set holds at least this probability.
    """

    temperature: float = Field(default=1.0, gt=0.0)
    bias: tuple[float, float, float, float, float] = (0.0, 0.0, 0.0, 0.0, 0.0)
    level_1_threshold: float = Field(default=0.5, gt=0.0, le=1.0)
    high_threshold: float = Field(default=0.5, gt=0.0, le=1.0)
    set_mass: float = Field(default=0.8, gt=0.0, le=1.0)
    fitted_on: str | None = None


class CalibrationFile(Frozen):
    """What lies beside an adapter as ``calibration.json``.

    ``adapter_sha256`` and ``prompt_version`` say whose probabilities it was fitted on: for any others it means nothing.
    """

    name: str
    adapter_sha256: str | None = None
    prompt_version: str | None = None
    scales: dict[AcuityScale, ScaleCalibration]
    guarantee: str | None = None
    """What was shown for the target site; None where no labels of that site were used: no guarantee."""


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
    def load(cls, path: Path, scale: AcuityScale) -> Self:
        """Read ``calibration.json``; a scale it does not hold is uncalibrated.

        Raises:
            ModelIntegrityError: the file is not a calibration; the message names the field.
        """
        raw = path.read_bytes()
        try:
            content = CalibrationFile.model_validate_json(raw)
        except ValidationError as error:
            where = "; ".join(".".join(map(str, item["loc"])) + ": " + item["msg"] for item in error.errors())
            raise ModelIntegrityError(f"{path.name} is not a calibration file: {where}") from None
        if scale not in content.scales:
            return cls.none()
        digest = hashlib.sha256(raw).hexdigest()[:12]
        return cls(
            f"{content.name}@{digest}",
            content.scales[scale],
            adapter_sha256=content.adapter_sha256,
            prompt_version=content.prompt_version or "unknown",
        )

    def fits(self, adapter_sha256: str | None) -> bool:
        """Whether it may be applied to answers of this adapter (None: of the base model) to our prompt."""
        same = self.adapter_sha256 == adapter_sha256 and self.prompt_version == PROMPT_VERSION
        return same or not self.fitted

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
        """The smallest run of levels around the suggestion that holds ``set_mass``; (most, least urgent)."""
        p = probabilities.p
        first = last = self.decide(probabilities)
        while sum(p[first - 1 : last]) < self.numbers.set_mass and (first > 1 or last < 5):
            up = p[first - 2] if first > 1 else -1.0
            down = p[last] if last < 5 else -1.0
            if up >= down:
                first -= 1
            else:
                last += 1
        return first, last
