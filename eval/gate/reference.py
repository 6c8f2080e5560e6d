"""The recorded answers that the gate holds against: ``reference.json``, frozen with the hash of the cases."""

import json
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from data_schemas._base import Frozen
from eval.gate.cases import GateError, cases_sha256, gate_cases
from eval.gate.running import GATE_MODELS, GateAnswers
from triage.metrics.confusions import SCORES, confusions_by_unit, scores_of
from triage.metrics.levels import checked

REFERENCE = Path(__file__).with_name("reference.json")


class GateReference(Frozen):
    """Answers with their scores, on the cases of ``cases_sha256``. Scores are rounded to four decimals."""

    cases_sha256: str
    answers: GateAnswers
    scores: Mapping[str, Mapping[str, float]]


def scores_by_model(answers: GateAnswers) -> dict[str, dict[str, float]]:
    """Every score of ``confusions.SCORES``, by model.

    Raises:
        GateError: the answers are not of every case by every model.
    """
    cases = gate_cases()
    found = {}
    for model in GATE_MODELS:
        levels = answers.levels.get(model, {})
        if levels.keys() != {case.id for case in cases}:
            raise GateError(
                f"the answers of {model} are not of the {len(cases)} cases of the gate; run them again"
            )
        true, given = checked([case.level for case in cases], [levels[case.id] for case in cases])
        confusion = confusions_by_unit(true, given, true * 0, 1)
        values = scores_of(confusion)[0]
        found[model] = {name: round(float(value), 4) for name, value in zip(SCORES, values, strict=True)}
    return found


def read_reference(path: Path = REFERENCE) -> GateReference:
    """The recorded reference.

    Raises:
        GateError: there is none, it is broken, or it is of other cases than the shipped ones.
    """
    try:
        found = GateReference.model_validate_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise GateError(
            f"{path.name}: there is no reference; record one with `triage eval gate --update`"
        ) from None
    except ValidationError:
        raise GateError(f"{path.name}: not a reference; record it with `triage eval gate --update`") from None
    if found.cases_sha256 != cases_sha256():
        raise GateError(
            f"cases.yaml is not the file that {path.name} was recorded on: the gate's cases are frozen. Undo the "
            "change, or have the new cases reviewed and record them with `triage eval gate --update --new-cases`"
        )
    if found.scores != scores_by_model(found.answers):
        raise GateError(f"{path.name}: its scores are not those of its answers; it was changed by hand")
    return found


def write_reference(answers: GateAnswers, path: Path = REFERENCE) -> GateReference:
    """Record ``answers`` as the reference.

    Raises:
        GateError: the answers are not of every case by every model.
    """
    found = GateReference(cases_sha256=cases_sha256(), answers=answers, scores=scores_by_model(answers))
    content = json.dumps(found.model_dump(mode="json"), indent=1, sort_keys=True)
    path.write_text(content + "\n", encoding="utf-8")
    return found
