"""Pairs are the right way round, come from the model first, and are never made of equals."""

from pathlib import Path

import pytest

from triage.slm.answer import format_answer, parse_answer
from triage.training.config import RecipeError
from triage.training.examples import path_for
from triage.training.parts import PartConfig
from triage.training.preference.cases import read_cases, split
from triage.training.preference.config import CorpusConfig, PreferenceConfig, load_base_config
from triage.training.preference.pairs import build_pairs, mended_target, summary, worse_answers
from triage.training.preference.reward import RewardWeights, grade
from triage.training.preference.store import ResumeError, load_pairs, save_pairs

SHIPPED = sorted((Path(__file__).parents[4] / "triage" / "training" / "configs").glob("preference_*.yaml"))
CONFIG = PreferenceConfig(name="test", constructed=1.0)


def answer(case, level):
    prompt = case.judged.prompt
    return format_answer(
        level, path_for(level, case.judged.screening, None), list(prompt.facts)[:2], [], prompt
    )


def test_the_worst_of_the_models_own_answers_is_rejected(cases, library):
    samples = [[answer(case, level) for level in range(1, 6)] for case in cases]
    pairs = build_pairs(cases, samples, library, CONFIG)
    assert len(pairs) == len(cases)
    for pair in pairs:
        truth = pair.case.judged.level
        assert parse_answer(pair.chosen, pair.case.judged.prompt).level == truth
        worst = max(range(1, 6), key=lambda level, truth=truth: CONFIG.reward.level_cost(level, truth))
        assert parse_answer(pair.rejected, pair.case.judged.prompt).level == worst
        assert pair.origin == "sampled"
        assert pair.chosen_reward - pair.rejected_reward >= 1.0
    assert summary(pairs)["level_differs"] == len(pairs)


def test_a_right_answer_of_the_models_own_is_kept_where_it_is_as_good_as_the_target(cases, library):
    case = cases[0]
    own = mended_target(case, library, CONFIG.reward)
    pair = build_pairs([case], [[own, own]], library, CONFIG)[0]
    assert pair.chosen == own
    assert pair.origin != "sampled"
    assert grade(pair.rejected, case.judged, library).total == pair.rejected_reward < pair.chosen_reward


def test_without_made_up_answers_a_model_that_is_right_gives_no_pair(cases, library):
    config = CONFIG.model_copy(update={"constructed": 0.0})
    samples = [[mended_target(case, library, config.reward)] for case in cases]
    assert build_pairs(cases, samples, library, config) == []
    assert summary([])["pairs"] == 0


def test_made_up_answers_are_readable_and_the_less_urgent_one_is_worse(cases, library):
    for case in cases:
        target = mended_target(case, library, CONFIG.reward)
        made_up = list(worse_answers(target, case.judged))
        assert all(grade(text, case.judged, library).answer is not None for _, text in made_up)
        calmer = [text for origin, text in made_up if origin == "less-urgent"]
        assert len(calmer) == (case.judged.level < 5)
        for text in calmer:
            assert grade(text, case.judged, library).total < grade(target, case.judged, library).total


def test_a_mended_target_cites_nothing_that_does_not_stand(cases, held_out, library):
    for case in [*cases, *held_out]:
        graded = grade(mended_target(case, library, RewardWeights()), case.judged, library)
        assert graded.answer is not None
        assert graded.answer.level == case.judged.level
        assert not graded.unsupported
        assert graded.path_holds


def test_pairs_survive_a_restart_but_not_another_recipe(cases, held_out, library, tmp_path):
    samples = [[answer(case, 5)] for case in cases]
    pairs = build_pairs(cases, samples, library, CONFIG)
    assert load_pairs(tmp_path, cases, "mark") is None
    save_pairs(tmp_path, (pairs, []), "mark")
    assert load_pairs(tmp_path, cases, "mark") == (pairs, [])
    text = (tmp_path / "pairs.json").read_text()
    assert not any(word in text for word in ("chest", "ankle", "refill"))
    with pytest.raises(ResumeError, match="another --out"):
        load_pairs(tmp_path, cases, "another")


def test_held_out_cases_are_not_learnt_from_and_groups_are_held_out_whole(vignettes, library):
    part = PartConfig(dataset="vignettes", path=vignettes, hold_out=3)
    held, rest = split(part)
    assert len(held) == 3
    assert not {case.case_id for case in held} & {case.case_id for case in rest}
    whole = PartConfig(dataset="vignettes", path=vignettes, hold_out=99, hold_out_one_in=5)
    held, rest = split(whole)
    assert len(held) == 2  # each vignette is its own group: one in five of ten
    assert not {case.group for case in held} & {case.group for case in rest}
    some = CorpusConfig(parts=(part.model_copy(update={"count": 2}),))
    training, kept = read_cases(some, library)
    assert len(training) == 2
    assert len(kept["vignettes"]) == 3


def test_without_the_rules_line_a_prompt_has_no_statement(vignettes, library):
    config = CorpusConfig(parts=(PartConfig(dataset="vignettes", path=vignettes),), drop=0.3, unaided=0.5)
    training, _ = read_cases(config, library)
    aided = ["\nrules" in case.judged.prompt.text for case in training]
    assert any(aided)
    assert not all(aided)
    for case in training:
        assert case.example.prompt == case.judged.prompt.text
        assert grade(case.example.target, case.judged, library).answer is not None


def test_a_recipe_that_means_nothing_is_refused(tmp_path, vignettes):
    path = tmp_path / "recipe.yaml"
    path.write_text("preference: {name: x}\ncorpus: {}\nrecipe: {}\n")
    with pytest.raises(RecipeError, match="mean nothing: recipe"):
        PreferenceConfig.load(path)
    path.write_text("recipe: {}\n")
    with pytest.raises(RecipeError, match="needs the sections"):
        PreferenceConfig.load(path)
    path.write_text("preference: {name: x, under_triage: 3}\ncorpus: {}\n")
    with pytest.raises(RecipeError, match="under_triage"):
        PreferenceConfig.load(path)
    part = f"{{dataset: vignettes, path: {vignettes}, repeat: 2}}"
    path.write_text(f"preference: {{name: x}}\ncorpus: {{parts: [{part}]}}\n")
    with pytest.raises(RecipeError, match="repeat mean nothing"):
        CorpusConfig.load(path)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_every_shipped_recipe_loads(path):
    assert PreferenceConfig.load(path).name
    assert CorpusConfig.load(path).parts
    assert load_base_config(path).model


def test_there_is_a_shipped_recipe():
    assert SHIPPED
