"""DPO and GRPO by trl on a tiny random model of the same architecture; what is saved can be merged and served."""

import json

import pytest

pytestmark = pytest.mark.slow

import torch  # noqa: E402

from triage.slm.adapter import LoraAdapter  # noqa: E402
from triage.slm.answer import parse_answer  # noqa: E402
from triage.slm.fetch import find_base_model  # noqa: E402
from triage.slm.gguf_weights import GgufModel  # noqa: E402
from triage.slm.tokenizer import tokenizer_from_gguf  # noqa: E402
from triage.training import base_model  # noqa: E402
from triage.training.config import FinetuneConfig  # noqa: E402
from triage.training.encoding import Encoder  # noqa: E402
from triage.training.lora import attach_lora  # noqa: E402
from triage.training.preference import run as stage  # noqa: E402
from triage.training.preference.config import PreferenceConfig  # noqa: E402
from triage.training.preference.pairs import build_pairs  # noqa: E402
from triage.training.preference.sampling import Sampler, question  # noqa: E402
from triage.training.preference.store import ResumeError  # noqa: E402
from triage.training.preference.trainers import dpo_trainer, grpo_trainer, last_checkpoint  # noqa: E402

ADAPTER = FinetuneConfig(name="tiny", rank=4, alpha=8, dropout=0.0, first_layer=1, steps=1)


def config(**changes):
    given = {
        "name": "tiny",
        "learning_rate": 5e-3,
        "batch_size": 4,
        "warmup_steps": 1,
        "threads": 1,
        "epochs": 6,
    }
    return PreferenceConfig(**{**given, **changes})


@pytest.fixture(scope="module")
def tokenizer():
    return tokenizer_from_gguf(GgufModel(find_base_model()))


@pytest.fixture(scope="module")
def encoder(tokenizer):
    return Encoder(tokenizer)


@pytest.fixture(scope="module")
def adapter(tmp_path_factory, tiny_llama):
    """An adapter to start from that is not the base model: its B matrices are not zero."""
    folder = tmp_path_factory.mktemp("start")
    model = attach_lora(tiny_llama(), ADAPTER)
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.02)
    model.save_pretrained(str(folder))
    return folder


@pytest.fixture
def model(adapter, tiny_llama):
    return attach_lora(tiny_llama(), ADAPTER, adapter)


@pytest.fixture(scope="module")
def pairs(adapter, tokenizer, encoder, cases, library, tiny_llama):
    model = attach_lora(tiny_llama(), ADAPTER, adapter)
    answers = Sampler(model, tokenizer, encoder).sample([case.judged for case in cases], 3, seed=1)
    return build_pairs(cases, answers, library, config())


def test_sampled_answers_keep_to_the_grammar_and_repeat_with_the_seed(model, tokenizer, encoder, cases):
    judged = [case.judged for case in cases]
    sampler = Sampler(model, tokenizer, encoder, batch_size=3)
    answers = sampler.sample(judged, 2, seed=3)
    assert [len(texts) for texts in answers] == [2] * len(cases)
    levels = {
        parse_answer(text, case.prompt).level
        for case, texts in zip(judged, answers, strict=True)
        for text in texts
    }
    assert len(levels) > 1  # a random model says anything
    assert sampler.sample(judged, 2, seed=3) == answers
    assert sampler.sample(judged, 2, seed=4) != answers


def test_trl_reads_the_very_tokens_that_fine_tuning_reads(model, tokenizer, encoder, pairs, tmp_path):
    trainer = dpo_trainer(model, tokenizer, encoder, pairs, [], config(), tmp_path)
    for row, pair in zip(trainer.train_dataset, pairs, strict=True):
        lead = encoder.encode(pair.case.example)
        assert (row["prompt_ids"] + row["chosen_ids"])[: lead.level_at] == lead.ids[: lead.level_at]
        assert row["chosen_ids"][-1] == encoder.end
        if pair.chosen == pair.case.example.target:
            assert row["prompt_ids"] + row["chosen_ids"] == lead.ids


def test_a_step_lowers_the_loss_and_widens_the_margin(model, tokenizer, encoder, pairs, tmp_path, adapter):
    rows = []
    trainer = dpo_trainer(model, tokenizer, encoder, pairs, pairs, config(), tmp_path, rows.append)
    before = trainer.evaluate()
    assert before["eval_rewards/margins"] == pytest.approx(
        0.0, abs=1e-4
    )  # the reference is the start, not the base
    frozen = {n: p.clone() for n, p in model.named_parameters() if ".default." not in n}
    trainer.train()
    after = trainer.evaluate()
    assert after["eval_loss"] < before["eval_loss"]
    assert after["eval_rewards/margins"] > 0.1
    assert after["eval_rewards/accuracies"] > 0.8
    assert rows[-1]["step"] > 0
    for name, weight in model.named_parameters():
        if name in frozen:
            assert torch.equal(weight, frozen[name]), name
    model.save_pretrained(str(tmp_path / "adapter"), selected_adapters=["default"])
    assert LoraAdapter(tmp_path / "adapter").sha256 != LoraAdapter(adapter).sha256
    assert not (tmp_path / "adapter" / "ref").exists()


def test_robust_loss_and_no_likelihood_term_are_accepted(model, tokenizer, encoder, pairs, tmp_path):
    recipe = config(label_smoothing=0.1, sft_weight=0.0, epochs=1)
    trainer = dpo_trainer(model, tokenizer, encoder, pairs, [], recipe, tmp_path)
    assert trainer.loss_types == ["robust"]
    assert trainer.train().global_step == 2


def test_grpo_samples_and_rewards_without_a_grammar(model, tokenizer, encoder, cases, library, tmp_path):
    rows = []
    recipe = config(method="grpo", samples=2, batch_size=4, max_steps=1)
    trainer = grpo_trainer(model, tokenizer, encoder, cases, library, recipe, tmp_path, rows.append)
    assert trainer.train().global_step == 1
    assert rows[-1]["step"] == 1
    assert set(
        trainer.reward_funcs[0]([question(cases[0].judged, encoder.chat)], [cases[0].example.target])
    ) != {recipe.reward.unreadable}


@pytest.fixture
def recipe(tmp_path, vignettes):
    path = tmp_path / "recipe.yaml"
    part = {"dataset": "vignettes", "path": str(vignettes), "hold_out": 2}
    path.write_text(
        json.dumps(
            {
                "preference": config(save_every=2, epochs=3, samples=2).model_dump(mode="json"),
                "corpus": {"parts": [part], "unaided": 0.0},
            }
        )
    )
    return path


@pytest.fixture
def on_the_tiny_model(monkeypatch, tokenizer, tiny_llama):
    """The whole stage on a model that takes seconds: only the loading of 135 million weights is exchanged."""
    monkeypatch.setattr(
        base_model,
        "load",
        lambda config, precision: base_model.Base(tiny_llama(), tokenizer, "tiny", "0" * 64, "cpu"),
    )


@pytest.mark.usefixtures("on_the_tiny_model")
def test_a_killed_run_goes_on_and_leaves_what_an_unbroken_one_leaves(recipe, adapter, tmp_path):
    whole = stage.run(recipe, adapter, tmp_path / "whole", report=lambda row: None)
    assert not (tmp_path / "whole" / stage.WORK).exists()
    assert whole["pairs"]["training"]["pairs"] > 0

    class Killed(BaseException):
        pass

    out, sampled = tmp_path / "broken", []

    def die(row):
        sampled.append(row)
        if last_checkpoint(out / stage.WORK) is not None:
            raise Killed

    with pytest.raises(Killed):
        stage.run(recipe, adapter, out, report=die)
    assert not (out / "adapter_model.safetensors").exists()
    other = tmp_path / "other.yaml"
    other.write_text(recipe.read_text().replace('"beta": 0.1', '"beta": 0.2'))
    with pytest.raises(ResumeError, match="another --out"):
        stage.run(other, adapter, out, report=lambda row: None)
    record = stage.run(recipe, adapter, out, report=lambda row: None)
    assert record["pairs"] == whole["pairs"]
    assert record["after"] == whole["after"]
    assert record["held_out_pairs"] == whole["held_out_pairs"]
    assert LoraAdapter(out).sha256 == LoraAdapter(tmp_path / "whole").sha256
    assert "made-up" not in (out / "run.json").read_text()
    assert "NaN" not in (out / "run.json").read_text()
    with pytest.raises(ResumeError, match="finished"):
        stage.run(recipe, adapter, out, report=lambda row: None)
