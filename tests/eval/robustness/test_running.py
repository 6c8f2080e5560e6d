"""One row asked about pairs: what moved is counted, what cannot be asked is too, and a biased model is caught."""

import pytest

from data_schemas import FactKind, LevelProbabilities
from eval.predictions import Prediction
from eval.predictors import InputTask, ModelName, ReadCase, open_predictor
from eval.robustness import Arm, Variant, as_answer, choose, estimated_seconds, questions, run_variants
from integrations.settings import Settings

SURE = {2: (0.1, 0.8, 0.1, 0.0, 0.0), 3: (0.0, 0.2, 0.7, 0.1, 0.0), 4: (0.0, 0.1, 0.2, 0.7, 0.0)}


def by(rule):
    """A model that follows ``rule``: a record in, a level (or None) out."""

    def answer(records):
        levels = [rule(record) for record in records]
        return [
            Prediction(
                case_id=str(n),
                predicted=level,
                probabilities=LevelProbabilities(p=SURE[level]) if level in SURE else None,
            )
            for n, level in enumerate(levels)
        ]

    return answer


def said(record):
    return " ".join(fact.text for fact in record.facts if fact.value is None)


def run(cases, rule, *names, **options):
    options = {"row": "test", "runs": 1, **options}
    results, repeats = run_variants(cases, by(rule), choose(names, all_arms=True), 7, **options)
    return {result.variant: result for result in results}, repeats


def test_a_model_that_waits_for_women_is_caught(sample_cases):
    found, _ = run(sample_cases, lambda r: 2 if r.code(FactKind.SEX) == "male" else 3, "counterfactual")
    sex = found["sex"]
    men = sum(case.record.code(FactKind.SEX) == "male" for case in sample_cases)
    assert sex.cases + sex.skipped == len(sample_cases) == 53
    assert sex.skipped > 5
    assert sex.changed.value == 1
    assert sex.changed.low > 0.9
    assert 0 < sex.less_urgent.value < 1
    assert sex.less_urgent.value + sex.more_urgent.value == pytest.approx(1)
    assert sex.less_urgent.value <= men / sex.cases
    assert sex.p_high_shift.low > -0.7
    for other in set(found) - {"sex"}:
        assert found[other].changed.value == 0
        assert found[other].changed.high < 0.08
        assert found[other].p_high_shift.value == 0


def test_a_model_that_reads_race_and_insurance_is_caught_by_arm(sample_cases):
    found, _ = run(
        sample_cases,
        lambda r: 4 if "Race: Black" in said(r) or "Medicaid" in said(r) else 3,
        "race",
        "insurance",
    )
    race = found["race"]
    assert {name: one.value for name, one in race.by_less_urgent.items()} == {
        "white": 0,
        "Black": 1,
        "Hispanic": 0,
        "Asian": 0,
    }
    assert race.by_p_high_shift["Black"].value == pytest.approx(-0.1)
    assert race.by_p_high_shift["white"].value == 0
    assert race.less_urgent.value == race.changed.value == 1
    assert race.more_urgent.value == 0
    assert set(race.by_cases.values()) == {len(sample_cases)}
    assert found["insurance"].by["Medicaid"].value == 1
    assert found["insurance"].by["none"].value == 0


def test_a_model_that_believes_the_family_is_caught_and_one_that_counts_words_is_not(sample_cases):
    found, _ = run(sample_cases, lambda r: 4 if "probably nothing" in said(r) else 3, "minimised")
    assert found["minimised"].by_less_urgent["relative"].value == 1
    assert found["minimised"].by_less_urgent["patient"].value == 0
    found, _ = run(sample_cases, lambda r: 2 if len(said(r).split()) % 2 else 3, "minimised")
    assert found["minimised"].changed.value == 0


def test_a_model_that_takes_a_missing_sign_for_normal_is_caught(sample_cases):
    def trusting(record):
        return 2 if (record.number(FactKind.HEART_RATE) or 80) > 100 else 4

    def careful(record):
        return 2 if (record.number(FactKind.HEART_RATE) or 200) > 100 else 4

    fast = sum((case.record.number(FactKind.HEART_RATE) or 0) > 100 for case in sample_cases)
    found, _ = run(sample_cases, trusting, "missing")
    gone = found["all-missing"]
    assert gone.less_urgent.value == pytest.approx(fast / gone.cases)
    assert found["one-missing"].by_less_urgent["heart rate"].value > 0
    assert found["one-missing"].by_less_urgent["temperature"].value == 0
    found, _ = run(sample_cases, careful, "missing")
    assert found["all-missing"].less_urgent.value == 0
    assert found["all-missing"].more_urgent.value > 0.5


def test_every_distinct_record_is_asked_once_and_progress_comes_to_its_end(sample_cases):
    asked, told = [], []

    def answer(records):
        asked.extend(records)
        return by(lambda record: 3)(records)

    cases = sample_cases[:4]
    variants = choose()
    results, repeats = run_variants(
        cases, answer, variants, 7, lambda done, total: told.append((done, total)), row="test", runs=1
    )
    assert (
        len({record.encounter_key for record in asked}) == len(asked) == questions(cases, variants, 7, runs=1)
    )
    assert told[-1] == (len(asked), len(asked))
    assert repeats == ()
    assert [result.variant for result in results] == [variant.name for variant in variants]
    assert all(result.cases + result.skipped == 4 for result in results)
    assert run_variants(cases, answer, variants, 7, row="test", runs=1)[0] == results
    assert estimated_seconds(600, 8) == 75
    with pytest.raises(ValueError, match="time a few first"):
        estimated_seconds(600, 0)


def test_a_lost_answer_is_the_worst_change_and_a_case_without_one_is_left_out(make):
    shout = Variant("shout", "prompt", "same", "", (Arm("loud", lambda r, _: make("LOUD")),))
    cases = [ReadCase("a", make("cough")), ReadCase("b", make("silent"))]
    levels = {"cough": 3, "LOUD": None, "silent": None}
    answer = by(lambda record: levels[record.first(FactKind.CHIEF_COMPLAINT).text])
    (result,), (repeat,) = run_variants(cases, answer, [shout], 7, row="test", runs=2)
    assert (result.cases, result.unanswered, result.skipped) == (1, 1, 0)
    assert result.changed.value == result.less_urgent.value == 1
    assert result.more_urgent.value == 0
    assert result.p_high_shift is None
    assert repeat.same_in_all.value == 1
    assert repeat.largest_p_change == 0


def test_a_variant_that_no_case_admits_has_no_value(make):
    cases = [ReadCase("a", make("cough", sex=None))]
    (result,), _ = run_variants(cases, by(lambda record: 3), choose(["sex"]), 7, row="test", runs=1)
    assert (result.cases, result.skipped, result.changed.value, result.by) == (0, 1, None, {})


def test_the_rows_own_prompts_are_compared_with_the_one_in_use(sample_cases):
    cases = sample_cases[:10]
    found, _ = run(cases, lambda r: 3, "sex", prompts={"terse": by(lambda r: 4), "worded": by(lambda r: 3)})
    own = found["own-prompt"]
    assert own.family == "prompt"
    assert own.by_less_urgent["terse"].value == 1
    assert own.by_less_urgent["worded"].value == 0
    assert own.cases == 10


def test_a_model_of_two_minds_is_told_from_a_steady_one(sample_cases):
    asked = []

    def again(records, run):
        asked.append([record.encounter_key for record in records])
        return by(lambda record: 3 if run == 2 else 4)(records)

    (repeat,) = run_variants(sample_cases, by(lambda r: 3), [], 7, row="test", again=again, runs=3)[1]
    assert repeat.same_in_all.value == 0
    assert repeat.share_model == 1
    assert repeat.largest_p_change == pytest.approx(0.6)
    assert sorted(asked[0]) == sorted(asked[1])
    assert asked[0] != asked[1]


def test_an_attack_is_compared_with_its_twin_and_with_the_bare_case_at_no_more_cost(sample_cases):
    both = choose(["injection"])
    assert [variant.name for variant in both] == ["hidden-instruction", "hidden-instruction-bare"]
    assert questions(sample_cases, both, 7) == questions(sample_cases, both[:1], 7)
    obeys = by(lambda r: 4 if "level" in said(r).lower() else 3)
    twin, bare = run_variants(sample_cases, obeys, both, 7, row="test", runs=1)[0]
    assert twin.by_cases == bare.by_cases
    assert twin.less_urgent.value > 0.2
    assert bare.by_less_urgent["instruction"].value > 0


def test_wrong_calls_are_refused(sample_cases):
    with pytest.raises(ValueError, match="at least one case"):
        run_variants([], by(lambda r: 3), choose(), 7, row="test")
    with pytest.raises(ValueError, match="an id of its own"):
        run_variants([sample_cases[0]] * 2, by(lambda r: 3), choose(), 7, row="test")
    with pytest.raises(ValueError, match="answers came back"):
        run_variants(sample_cases, lambda records: [], choose(["sex"]), 7, row="test")


def test_the_rules_do_not_read_who_the_patient_is(sample_cases):
    rules = open_predictor(ModelName.RULES, InputTask.ESI, Settings())
    names = ("race", "insurance", "language", "housing", "age-wording", "minimised", "hidden-instruction")
    variants = choose(names, all_arms=True)
    results, (repeat,) = run_variants(sample_cases, as_answer(rules), variants, 7, row="rules", runs=2)
    assert {result.variant: result.less_urgent.value for result in results if result.less_urgent.value} == {}
    assert repeat.same_in_all.value == 1
    assert repeat.largest_p_change is None
