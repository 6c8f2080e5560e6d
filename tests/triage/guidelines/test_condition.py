"""The three-valued evaluator."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from data_schemas import EsiVersion
from triage.guidelines import Truth, record_from
from triage.guidelines.condition import Condition
from triage.guidelines.view import RecordView

CONDITION: TypeAdapter[Any] = TypeAdapter(Condition)


def truth(condition: dict[str, Any], compact: dict[str, Any]) -> Truth:
    view = RecordView(record_from(compact), EsiVersion.V5)
    result: Truth = CONDITION.validate_python(condition).evaluate(view, view).truth
    return result


HR = {"fact": "heart_rate", "gt": 100}
CHEST = {"term": "chest_pain"}


@pytest.mark.parametrize(
    ("condition", "compact", "expected"),
    [
        (HR, {"hr": 101}, Truth.TRUE),
        (HR, {"hr": 100}, Truth.FALSE),
        (HR, {}, Truth.UNKNOWN),
        ({"fact": "heart_rate", "lt": 100}, {}, Truth.UNKNOWN),
        ({"not": HR}, {}, Truth.UNKNOWN),
        ({"not": HR}, {"hr": 80}, Truth.TRUE),
        ({"not": HR}, {"hr": 120}, Truth.FALSE),
        ({"all": [HR, CHEST]}, {"hr": 120}, Truth.UNKNOWN),
        ({"all": [HR, CHEST]}, {"hr": 80}, Truth.FALSE),
        ({"all": [HR, CHEST]}, {"hr": 120, "complaint": "chest pain"}, Truth.TRUE),
        ({"any": [HR, CHEST]}, {"hr": 120}, Truth.TRUE),
        ({"any": [HR, CHEST]}, {"hr": 80}, Truth.UNKNOWN),
        ({"any": [HR, CHEST]}, {"hr": 80, "complaint": "cough"}, Truth.FALSE),
        ({"any": [HR, CHEST], "at_least": 2}, {"hr": 120}, Truth.UNKNOWN),
        ({"all": [HR], "unless": [CHEST]}, {"hr": 120}, Truth.TRUE),
        ({"all": [HR], "unless": [CHEST]}, {"hr": 120, "complaint": "chest pain"}, Truth.FALSE),
        ({"all": [HR], "unless": [CHEST]}, {"hr": 120, "complaint": "denies chest pain"}, Truth.TRUE),
        ({"code": "avpu", "in": ["V"]}, {}, Truth.UNKNOWN),
        ({"code": "avpu", "in": ["V"]}, {"avpu": "A"}, Truth.FALSE),
        ({"age": {"min": "65 a"}}, {}, Truth.UNKNOWN),
        ({"age": {"min": "65 a"}}, {"age": "65 a"}, Truth.TRUE),
        ({"age": {"max": "65 a"}}, {"age": "65 a"}, Truth.FALSE),
        (CHEST, {}, Truth.UNKNOWN),
        (CHEST, {"complaint": "denies chest pain"}, Truth.FALSE),
        (CHEST, {"condition": "Chest pain"}, Truth.UNKNOWN),
        ({"term": "copd"}, {"condition": "COPD"}, Truth.TRUE),
        ({"term": "copd"}, {"note": "history of COPD"}, Truth.TRUE),
        ({"term": "copd"}, {"note": "mother has COPD"}, Truth.FALSE),
        (CHEST, {"note": "chest pain has resolved"}, Truth.FALSE),
        ({"term": "chest_pain", "allow": ["resolved"]}, {"note": "chest pain has resolved"}, Truth.TRUE),
        ({"danger_zone": "heart_rate"}, {"hr": 150}, Truth.UNKNOWN),
        ({"danger_count": 2}, {"age": "40 a", "hr": 120}, Truth.UNKNOWN),
        ({"danger_count": 2}, {"age": "40 a", "hr": 120, "rr": 18, "spo2": 98}, Truth.FALSE),
        ({"hypotension": True}, {"sbp": 80}, Truth.UNKNOWN),
        ({"hypotension": True}, {"age": "5 a", "sbp": 79}, Truth.TRUE),
        ({"hypotension": True}, {"age": "5 a", "sbp": 80}, Truth.FALSE),
        ({"score": "NEWS2", "ge": 7}, {"age": "40 a"}, Truth.UNKNOWN),
        ({"score": "NEWS2", "ge": 7}, {"age": "4 a"}, Truth.FALSE),
    ],
)
def test_truth(condition: dict[str, Any], compact: dict[str, Any], expected: Truth) -> None:
    assert truth(condition, compact) is expected


@pytest.mark.parametrize(
    ("condition", "names"),
    [
        ({"fact": "heart_rate"}, "at least one of gt"),
        ({"fact": "avpu", "gt": 1}, "is not a number"),
        ({"term": "no_such_concept"}, "no_such_concept"),
        ({"age": {"min": "65 years"}}, "65 a"),
        ({"age": {"min": "65 a", "max": "60 a"}}, "must not be empty"),
        ({"colour": "red"}, "exactly one of"),
        ({"all": []}, "at least 1"),
        ({"hypotension": False}, "True"),
    ],
)
def test_a_wrong_condition_says_what_is_wrong(condition: dict[str, Any], names: str) -> None:
    with pytest.raises(ValidationError, match=names):
        CONDITION.validate_python(condition)
