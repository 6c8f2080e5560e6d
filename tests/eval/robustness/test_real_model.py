"""The real embedded model, by itself and in the agent, on shipped samples."""

import pytest

from data_schemas import AcuityScale
from eval.robustness import SharedModel, choose, run_variants
from integrations.settings import Settings


@pytest.fixture(scope="module")
def model():
    shared = SharedModel.open(Settings(), AcuityScale.ESI)
    yield shared
    shared.close()


def test_the_embedded_model_is_steady_and_the_agent_asks_nothing_more(model, sample_cases):
    cases = [case for case in sample_cases if case.case_id in {"27", "36", "41"}]
    variants = choose(["sex", "age-wording", "all-missing", "hidden-instruction", "units"])
    slm, (steady,) = run_variants(
        cases, model.slm, variants, 7, row="slm", again=model.slm_again, runs=2, prompts=model.slm_prompts
    )
    asked = model.engine.asked
    assert asked > len(cases) * 2
    agent, (also,) = run_variants(
        cases,
        model.agent,
        variants,
        7,
        row="agent",
        again=model.agent_again,
        runs=2,
        prompts=model.agent_prompts,
    )
    assert model.engine.asked == asked
    assert steady.same_in_all.value == also.same_in_all.value == 1
    assert 0 <= steady.largest_p_change < 1e-4  # batches of other cases round differently
    names = [*(variant.name for variant in variants), "own-prompt"]
    for found in (slm, agent):
        assert [result.variant for result in found] == names
        assert all(result.cases and result.cases + result.skipped == 3 for result in found)
        assert all(result.unanswered == 0 for result in found)
        assert all(result.p_high_shift is not None for result in found)
    shifts = {result.variant: result.p_high_shift.value for result in slm}
    assert shifts["all-missing"] != 0  # the model reads what was changed
    assert shifts["own-prompt"] != 0
    # Before any floor, but for notes the agent reads the model beside the rules.
    assert {r.variant: r.p_high_shift.value for r in agent}["all-missing"] != 0


def test_a_run_of_its_own_asks_anew(model, sample_cases):
    records = [sample_cases[35].record]
    first = model.slm(records)
    asked = model.engine.asked
    assert model.slm(records) == first
    assert model.engine.asked == asked
    (again,) = model.slm_again(records, 9)
    assert model.engine.asked == asked + 1
    assert again.predicted == first[0].predicted
