"""Changed cases and metered energy of a run that was killed: what is on the disk is not asked or metered again."""

import json

import pytest
from inspect_ai.log import read_eval_log

from eval.cases import Task
from eval.predictions import Prediction
from eval.predictors import ReadCase
from eval.predictors.rules import RulesPredictor
from eval.robustness import VARIANTS, as_answer, run_variants
from eval.suite.keeping import KeptAnswers, kept_energy
from eval.suite.options import RunOptions, spec_of
from eval.suite.preparing import prepare
from eval.suite.result import EnergyRow
from eval.suite.run import run_suite
from eval.suite.watching import Silent
from integrations.settings import Settings
from triage.training.corpus.vignettes import to_record

# Inspect's own: streams left to the garbage collector, and a parameter it still gives.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore:The 'initial' parameter is deprecated:DeprecationWarning"),
]

VARIED = tuple(VARIANTS.values())[:4]
CASES = [
    ReadCase(name, to_record({"case_id": name, "vignette": text}))
    for name, text in {
        "a": "A 34-year-old man twisted his ankle. HR 78, RR 16.",
        "b": "A 66-year-old woman is gasping. HR 140.",
        "c": "A 45-year-old woman has chest pain. HR 101.",
    }.items()
]


class KilledError(Exception):
    """The process ended here."""


class Counting:
    """The rules; ends after so many batches."""

    def __init__(self, batches=10**6):
        self.rules = as_answer(RulesPredictor())
        self.left = batches
        self.batches = 0

    def __call__(self, records):
        if self.batches == self.left:
            raise KilledError
        self.batches += 1
        return self.rules(records)


def asked(file, setup, row):
    kept = KeptAnswers(file, setup)
    again = kept.again(lambda records, _run: row(records))
    prompts = {"other": kept.answer("other", row)}
    return run_variants(
        CASES, kept.answer("", row), VARIED, 7, row="rules", again=again, runs=3, prompts=prompts
    )


@pytest.mark.parametrize("batches", [1, 2, 3])
def test_a_killed_row_goes_on_after_its_last_batch(tmp_path, batches):
    file = tmp_path / "r.jsonl"
    whole = Counting()
    expected = asked(tmp_path / "whole.jsonl", "s", whole)
    with pytest.raises(KilledError):
        asked(file, "s", Counting(batches))
    with file.open("a") as lines:
        lines.write('["s", "half a li')
    rest = Counting()
    assert asked(file, "s", rest) == expected
    assert rest.batches == whole.batches - batches
    nothing = Counting()
    assert asked(file, "s", nothing) == expected
    assert nothing.batches == 0


def test_another_model_is_asked_anew(tmp_path):
    file = tmp_path / "r.jsonl"
    whole, other = Counting(), Counting()
    asked(file, "s", whole)
    asked(file, "another model", other)
    assert other.batches == whole.batches


def test_another_record_is_asked_anew(tmp_path):
    kept, row = KeptAnswers(tmp_path / "r.jsonl", "s"), Counting()
    kept.answer("", row)([CASES[0].record])
    kept.answer("", row)([CASES[1].record])
    assert row.batches == 2


def test_a_batch_without_a_level_is_asked_again(tmp_path):
    file = tmp_path / "r.jsonl"
    failing = [Prediction(case_id="0", predicted=None, error="away")]
    assert KeptAnswers(file, "s").answer("", lambda _records: failing)([CASES[0].record]) == failing
    row = Counting()
    KeptAnswers(file, "s").answer("", row)([CASES[0].record])
    assert row.batches == 1


def test_the_file_holds_nothing_of_a_patient(tmp_path):
    file = tmp_path / "r.jsonl"
    asked(file, "s", Counting())
    text = file.read_text()
    assert "ankle" not in text
    assert "gasping" not in text


def test_energy_is_metered_once_for_one_setup(tmp_path):
    file, metered = tmp_path / "answers" / "energy.json", []
    row = EnergyRow(row="rules", source="modelled", meter="time", wh_per_1000=0.25, low=0.2, high=0.3)

    def meter():
        metered.append(1)
        return [row]

    assert kept_energy(file, "s", meter) == ((row,), False)
    assert kept_energy(file, "s", meter) == ((row,), True)
    assert len(metered) == 1
    assert kept_energy(file, "another model", meter)[1] is False
    file.write_text('{"setup": "another model", "rows": [{"row"')
    assert kept_energy(file, "another model", meter)[1] is False
    assert len(metered) == 3


def test_the_log_is_whole_and_its_head_holds_no_case(tmp_path, write):
    row = {"case_id": "e-1", "vignette": "A 30-year-old man has a cough. HR 81.", "acuity": "4"}
    options = RunOptions(task=Task.ESI, models=("rules",), data=write([row], "esi.csv"), resamples=100)
    spec, out = spec_of(options), tmp_path / "out"
    run_suite(spec, prepare(spec, None, out, Silent()), Settings(), out, Silent(), command="triage eval run")
    (log,) = (out / "logs").glob("*.eval")
    assert "cough" not in read_eval_log(str(log), header_only=True).model_dump_json()
    (sample,) = read_eval_log(str(log)).samples
    assert "cough" in sample.input
    (line,) = (out / "answers" / "esi" / "rules.jsonl").read_text().splitlines()
    assert str(json.loads(line)["predicted"]) == sample.output.completion == sample.scores["triage"].answer


def test_a_run_goes_on_with_its_changed_cases(tmp_path, write):
    rows = [
        {"case_id": f"e-{n}", "vignette": f"A {30 + n}-year-old man has a cough. HR {80 + n}.", "acuity": "4"}
        for n in range(3)
    ]
    data = write(rows, "esi.csv")
    out = tmp_path / "out"
    file = out / "answers" / "esi" / "robustness-rules.jsonl"
    options = RunOptions(task=Task.ESI, models=("rules",), data=data, robustness=3, resamples=100)

    def run():
        spec = spec_of(options)
        prepared = prepare(spec, None, out, Silent())
        return run_suite(spec, prepared, Settings(), out, Silent(), command="triage eval run").tasks[0]

    first = run()
    lines = file.read_text().splitlines()
    assert len(lines) >= 3
    assert first.variants
    assert first.repeats
    second = run()
    assert file.read_text().splitlines() == lines  # a line for every batch that is asked
    assert (second.variants, second.repeats) == (first.variants, first.repeats)
    file.write_text("\n".join(lines[:1]) + "\n" + lines[1][:30])  # killed in its second batch
    third = run()
    assert [line for line in file.read_text().splitlines() if line in lines] == lines
    assert (third.variants, third.repeats) == (first.variants, first.repeats)
