"""What a recipe may say, and that a wrong one is refused with words that help."""

from pathlib import Path

import pytest
import yaml

from triage.training.config import BaseConfig, FinetuneConfig, RecipeError, TrainingError
from triage.training.mixture import MixtureConfig
from triage.training.parts import PartConfig

CONFIGS = Path(__file__).parents[3] / "triage" / "training" / "configs"
RECIPES = [path for path in sorted(CONFIGS.glob("*.yaml")) if "recipe" in yaml.safe_load(path.read_text())]


def test_the_recipes_are_all_there():
    assert {path.name for path in RECIPES} >= {
        "embedded_cpu.yaml",
        "embedded_gpu.yaml",
        "qwen2.5-7b_qlora.yaml",
        "qwen3-4b_qlora.yaml",
        "llama-3.1-8b_qlora.yaml",
    }


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.name)
def test_every_shipped_recipe_loads_and_holds_out_whole_hospitals(path):
    recipe, base, corpus = FinetuneConfig.load(path), BaseConfig.load(path), MixtureConfig.load(path)
    assert recipe.minutes or recipe.epochs
    assert (base.quantisation == "nf4") == path.name.endswith("_qlora.yaml")
    survey = next(part for part in corpus.parts if part.dataset == "nhamcs")
    assert survey.hold_out_one_in is not None
    assert survey.groups
    assert not any(group.startswith("2020") for group in survey.groups)
    assert all(part.hold_out >= 90 for part in corpus.parts)
    assert "authored" in {part.dataset for part in corpus.parts}


def test_the_cpu_recipe_is_the_one_that_was_measured():
    corpus = MixtureConfig.load(CONFIGS / "embedded_cpu.yaml")
    recipe = FinetuneConfig.load(CONFIGS / "embedded_cpu.yaml")
    survey, ktas, invented_ktas, authored = corpus.parts
    assert (survey.count, survey.shares) == (21000, (0.04, 0.22, 0.42, 0.25, 0.07))
    assert (survey.hold_out_one_in, survey.hold_out) == (30, 400)
    assert (ktas.repeat, ktas.hold_out) == (4, 100)
    assert (invented_ktas.repeat, invented_ktas.calibrate) == (1, False)
    assert (authored.repeat, authored.hold_out) == (4, 90)
    assert (corpus.drop, corpus.unaided, corpus.mistyped, corpus.whole) == (0.08, 0.25, 0.12, 0.2)
    assert (recipe.average_decay, recipe.consistency_weight) == (0.99, 1.0)
    assert (recipe.first_layer, recipe.batch_size, recipe.teacher_weight) == (8, 16, 0.6)
    assert recipe.minutes is not None
    assert recipe.minutes < 150


def test_without_an_end_it_is_450_steps_and_minutes_alone_are_no_step_limit():
    assert FinetuneConfig(name="x").steps == 450
    assert FinetuneConfig(name="x", minutes=5).steps is None
    assert FinetuneConfig(name="x", epochs=2).steps is None


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("recipe: {name: x, learning_rat: 1}\ncorpus: {}", "learning_rat"),
        ("recipe: {name: x}\ncorps: {}", "corps"),
        ("corpus: {}", "no section recipe"),
        ("- a\n- b", "not a recipe"),
        ("recipe: {name: x", "not YAML"),
        ("recipe: {name: x, under_triage_weight: 0.5}", "under_triage_weight"),
    ],
)
def test_a_wrong_recipe_is_refused(tmp_path, content, said):
    path = tmp_path / "wrong.yaml"
    path.write_text(content)
    with pytest.raises(RecipeError, match=said) as caught:
        FinetuneConfig.load(path)
    assert isinstance(caught.value, TrainingError)


def test_the_base_is_a_name_or_all_its_fields_and_embedded_where_absent(tmp_path):
    path = tmp_path / "recipe.yaml"
    path.write_text("recipe: {name: x}")
    assert BaseConfig.load(path) == BaseConfig(model="embedded")
    path.write_text("recipe: {name: x}\nbase: some/folder")
    assert BaseConfig.load(path).model == "some/folder"
    path.write_text("recipe: {name: x}\nbase: {model: some/folder, quantisation: nf4}")
    assert BaseConfig.load(path).quantisation == "nf4"
    path.write_text("recipe: {name: x}\nbase: {model: some/folder, quantisation: int3}")
    with pytest.raises(RecipeError, match="quantisation"):
        BaseConfig.load(path)


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ({"dataset": "moon"}, "no data set 'moon'"),
        ({"dataset": "ktas"}, "needs a path"),
        ({"dataset": "authored", "path": "x.jsonl"}, "takes no path"),
        ({"dataset": "authored", "shares": [0.5, 0.5, 0.5, 0, 0]}, "sum to 1"),
        ({"dataset": "authored", "hold_out_one_in": 5}, "needs hold_out"),
    ],
)
def test_a_wrong_part_is_refused(part, said):
    with pytest.raises(ValueError, match=said):
        PartConfig.model_validate(part)


def test_two_parts_need_two_names():
    twice = [{"dataset": "authored"}, {"dataset": "authored"}]
    with pytest.raises(ValueError, match="give each a name"):
        MixtureConfig.model_validate({"parts": twice})
    MixtureConfig.model_validate({"parts": [twice[0], {**twice[1], "name": "again"}]})
