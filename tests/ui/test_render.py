"""The screen: what argues for the level, what argues for another, and what was only looked at."""

import io
from datetime import UTC, datetime

import pytest
from rich.console import Console

from agents import Case, CasePhase
from data_schemas import (
    AcuityScale,
    AssessmentMode,
    Doubt,
    LevelProbabilities,
    Look,
    LookVerdict,
    ModelIdentity,
    Reason,
    ReasonOrigin,
    SecondLook,
    TriageAssessment,
    Way,
)
from triage.esi import screen
from triage.guidelines import record_from
from ui.cli.render import board, case_panel

NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
FAST = record_from({"age": "40 a", "complaint": "ankle injury", "hr": 128, "rr": 16, "spo2": 98})


def case(level: int, *reasons: Reason) -> Case:
    screening = screen(FAST)
    ruled = tuple(
        Reason(
            origin=ReasonOrigin.RULES,
            text=finding.explanation,
            fact_ids=finding.fact_ids,
            statement=finding.statement,
            level=finding.level,
        )
        for finding in screening.findings
    )
    assessment = TriageAssessment(
        id="assessment-1",
        scale=AcuityScale.ESI,
        mode=AssessmentMode.MODEL,
        level=level,
        model_level=level,
        floor=None,
        probabilities=LevelProbabilities(p=(0.1, 0.2, 0.3, 0.3, 0.1)),
        set_most_urgent=2,
        set_least_urgent=level,
        path=None,
        reasons=(*reasons, *ruled),
        flags=(),
        needs_human=(),
        screening=screening,
        identity=ModelIdentity(
            engine="e", model="m", weights_sha256="0" * 64, prompt_version="1", calibration="uncalibrated"
        ),
        created_at=NOW,
    )
    return Case(
        id="case-1",
        encounter_key="test|Encounter/1",
        phase=CasePhase.AWAITING_REVIEW,
        intake=FAST,
        assessment=assessment,
        review=None,
        assessments=1,
        proposal=None,
        final=None,
        created_at=NOW,
        updated_at=NOW,
    )


def shown(renderable: object) -> str:
    console = Console(width=400, record=True, file=io.StringIO())
    console.print(renderable)
    return console.export_text()


def row(text: str, word: str) -> str:
    return next(line for line in text.splitlines() if word in line)


OBSERVED = Reason(origin=ReasonOrigin.MODEL, text="observed: walk-in", fact_ids=("F1",))
REFUSED = Reason(origin=ReasonOrigin.MODEL, text="pain is severe", fact_ids=("F1",), struck="it is not")


def test_every_reason_says_what_it_argues_for():
    text = shown(case_panel(case(4, OBSERVED, REFUSED)))
    assert "level 4" in row(text, "limb usually needs a radiograph")
    assert "level 2, not the suggested one" in row(text, "heart rate 128")
    assert "nothing: looked at" in row(text, "observed: walk-in")
    assert "nothing: refused" in row(text, "pain is severe")
    assert "no checked evidence" not in text


def test_a_level_that_nothing_argues_for_says_so():
    text = shown(case_panel(case(5, OBSERVED)))
    assert "level 5" in row(text, "no checked evidence")
    assert "no checked evidence" in shown(board([case(5, OBSERVED)]))


def test_the_board_does_not_show_a_fact_as_evidence_nor_a_suggestion_as_decided():
    text = shown(board([case(4, OBSERVED)]))
    assert "observed" not in text
    assert "suggested" in text
    assert "decided" not in text


@pytest.mark.parametrize("level", [3, 4])
def test_probabilities_are_named_as_the_models_before_the_floor(level):
    assert "model before the safety floor (uncalibrated) 1:10%" in shown(case_panel(case(level)))


def test_the_second_look_is_on_the_screen():
    look = SecondLook(
        why=(Doubt.WIDE_SET, Doubt.NO_COMPLAINT),
        first_level=4,
        first_high=0.1,
        looks=(
            Look(way=Way.WITHOUT_RULES, level=2, high=0.6),
            Look(way=Way.REORDERED, level=4, high=0.2),
        ),
        verdict=LookVerdict.DISAGREES,
        against=(Way.WITHOUT_RULES,),
    )
    plain = case(4)
    assessment = plain.assessment.model_copy(update={"second_look": look})
    console = Console(file=io.StringIO(), width=200)
    console.print(case_panel(plain.model_copy(update={"assessment": assessment})))
    shown = console.file.getvalue()
    assert "Second look (wide set, no complaint): DISAGREES" in shown
    assert "without rules level 2 (1-2: 60%) against it; reordered level 4 (1-2: 20%)" in shown
    assert "spread 2 levels, 50% of 1-2" in shown
    console = Console(file=io.StringIO(), width=200)
    console.print(case_panel(plain))
    assert "Second look" not in console.file.getvalue()
