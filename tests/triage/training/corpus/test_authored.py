"""The project's own teaching cases: their form, their path, no two alike; and the check for shared words."""

import json
import re
import subprocess
import sys
from collections import Counter
from itertools import combinations
from pathlib import Path

import pytest
from pydantic import ValidationError

from data_schemas.acuity import AcuityScale
from data_schemas.intake import FactKind
from triage.esi import screen
from triage.guidelines import GuidelineLibrary
from triage.slm.prompt import build_prompt
from triage.training.corpus import AuthoredCase, authored_cases, read_authored

SCRIPT = Path(__file__).parents[4] / "scripts" / "check_authored_overlap.py"
CASES = list(authored_cases())
ONE = {
    "case_id": "x-1",
    "vignette": "A man of 40 with a cut finger.",
    "acuity": 4,
    "life_saving": False,
    "high_risk": False,
    "resources": 1,
    "danger_zone": False,
    "why": "One resource: sutures.",
}


def test_there_are_cases_of_every_level() -> None:
    assert len(CASES) >= 500
    assert min(Counter(case.acuity for case in CASES)[level] for level in range(1, 6)) >= 50


def test_ids_are_unique_and_begin_with_their_file() -> None:
    assert len({case.case_id for case in CASES}) == len(CASES)
    assert all(re.fullmatch(r"[a-z_]+-\d{3}", case.case_id) for case in CASES)


def is_minimal_pair(a: AuthoredCase, b: AuthoredCase) -> bool:
    """Neighbours of ``minimal_pairs`` (pairs, a few of them triples) that one fact sets on different levels."""
    (name, number), (other, further) = (case.case_id.rsplit("-", 1) for case in (a, b))
    return name == other == "minimal_pairs" and abs(int(number) - int(further)) <= 2 and a.acuity != b.acuity


def test_no_two_cases_are_near_duplicates() -> None:
    """Jaccard similarity of their words below 0.6 for every pair, but for those told twice on purpose."""
    words = [(case, frozenset(re.findall(r"[^\W_]+", case.vignette.lower()))) for case in CASES]
    alike = [(a, b) for (a, x), (b, y) in combinations(words, 2) if len(x & y) >= 0.6 * len(x | y)]
    assert [(a.case_id, b.case_id) for a, b in alike if not is_minimal_pair(a, b)] == []
    assert alike, "the minimal pairs are the proof that the comparison finds what is alike"


def test_alike_cases_of_one_level_or_far_apart_are_no_minimal_pair() -> None:
    first, second, third = (
        AuthoredCase.model_validate({**ONE, "case_id": f"minimal_pairs-{number}", **path})
        for number, path in (
            ("001", {}),
            ("002", {"acuity": 5, "resources": 0}),
            ("009", {"acuity": 5, "resources": 0}),
        )
    )
    assert is_minimal_pair(first, second)
    assert not is_minimal_pair(first, first)
    assert not is_minimal_pair(first, third)
    assert not is_minimal_pair(first, second.model_copy(update={"case_id": "paediatrics-002"}))


def test_rich_records_hold_complete_vital_signs_and_the_complaint_first() -> None:
    signs = {
        FactKind.AGE,
        FactKind.SEX,
        FactKind.HEART_RATE,
        FactKind.RESPIRATORY_RATE,
        FactKind.OXYGEN_SATURATION,
        FactKind.TEMPERATURE,
        FactKind.SYSTOLIC_BP,
    }
    rich = [case for case in read_authored() if case.case_id.startswith("rich_records-")]
    assert rich
    for case in rich:
        kinds = {fact.kind for fact in case.record.facts}
        assert signs <= kinds, (case.case_id, signs - kinds)
        assert kinds & {FactKind.AVPU, FactKind.GCS}, case.case_id
        complaint = case.record.first(FactKind.CHIEF_COMPLAINT)
        note = case.record.first(FactKind.TRIAGE_NOTE)
        assert complaint is not None
        assert note is not None
        assert note.text.startswith(complaint.text), case.case_id


def test_no_vignette_says_its_level() -> None:
    said = re.compile(r"\b(?:ESI|triage level|acuity level|level [1-5])\b", re.IGNORECASE)
    assert not [case.case_id for case in CASES if said.search(case.vignette)]


@pytest.mark.parametrize(
    ("acuity", "path", "fits"),
    [
        (1, {"life_saving": True, "high_risk": True, "resources": 2}, True),
        (2, {"life_saving": True}, False),
        (2, {"high_risk": True, "resources": 0}, True),
        (3, {"high_risk": True, "resources": 2}, False),
        (3, {"resources": 2, "danger_zone": True}, True),
        (2, {"resources": 2, "danger_zone": True}, True),
        (2, {"resources": 2}, False),
        (4, {"resources": 1}, True),
        (4, {"resources": 2}, False),
        (5, {"resources": 0}, True),
        (5, {"resources": 1}, False),
    ],
)
def test_the_path_must_lead_to_the_level(acuity: int, path: dict[str, object], fits: bool) -> None:
    row = {**ONE, "acuity": acuity, **path}
    if fits:
        assert AuthoredCase.model_validate(row).acuity == acuity
    else:
        with pytest.raises(ValidationError, match="path does not lead"):
            AuthoredCase.model_validate(row)


def test_a_case_is_a_labelled_vignette_and_keeps_its_answer_to_itself() -> None:
    library = GuidelineLibrary.load()
    for case, source in zip(read_authored(), CASES, strict=True):
        assert (case.case_id, case.group, case.acuity) == (source.case_id, source.case_id, source.acuity)
        assert (case.scale, case.source, case.resources_used) == (
            AcuityScale.ESI,
            "authored",
            source.resources,
        )
        note = case.record.first(FactKind.TRIAGE_NOTE)
        assert note is not None
        assert note.text == source.vignette
        assert {fact.source.path for fact in case.record.facts} == {"vignette"}
        if case.case_id.endswith("01"):  # one in a hundred through the rules: they take long
            prompt = build_prompt(case.record, screen(case.record, library=library), library.short)
            assert source.why not in prompt.text


def run_script(path: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), str(path), *options]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def test_the_overlap_check_finds_a_planted_copy_and_only_that(tmp_path: Path) -> None:
    words = re.findall(r"[^\W_]+", CASES[0].vignette)
    copied = " - ".join(words[2:10]).upper()
    rows = [
        {"case_id": "theirs-1", "text": f"Yesterday, {copied}!"},
        {"case_id": "theirs-2", "text": "A new story."},
    ]
    path = tmp_path / "other.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = run_script(path, "--field", "text")
    assert found.returncode == 1
    assert f"{CASES[0].case_id} and theirs-1" in found.stdout
    assert "1 pairs of cases share a run of 8 words" in found.stdout
    assert run_script(path, "--field", "text", "--words", "9").returncode == 0
    wrong = run_script(path)
    assert wrong.returncode == 1
    assert "name the text with --field" in wrong.stderr
