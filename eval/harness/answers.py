"""A prediction as a model's answer in Inspect, and back."""

from typing import Any

from inspect_ai.model import ModelOutput
from pydantic import ValidationError

from eval.predictions import Prediction

KEY = "prediction"
"""Where the whole prediction stands in an output's metadata."""


def as_output(model: str, given: Prediction) -> ModelOutput:
    """The level as text, everything else as metadata. Without a level: the reason, which is counted as wrong."""
    text = f"no level: {given.error or 'no answer'}" if given.predicted is None else str(given.predicted)
    output = ModelOutput.from_content(model, text)
    output.metadata = {KEY: as_json(given)}
    return output


def as_json(given: Prediction) -> dict[str, Any]:
    """What the predictions file holds, with the error and whether the rules answered alone."""
    content = given.model_dump(mode="json", exclude_none=True) | {"predicted": given.predicted}
    if given.error is not None:
        content["error"] = given.error
    if given.rules_only:
        content["rules_only"] = True
    return content


def from_output(output: ModelOutput) -> Prediction | None:
    """The prediction that an output carries; None where another model answered."""
    return from_json((output.metadata or {}).get(KEY))


def from_json(content: object) -> Prediction | None:
    """What ``as_json`` made; None where it is something else."""
    if not isinstance(content, dict):
        return None
    try:
        return Prediction.model_validate(content)
    except ValidationError:
        return None
