"""The recipe on a tiny random model of the same architecture: every part runs, and what is saved can be merged."""

import json
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

import torch  # noqa: E402
from transformers import LlamaConfig, LlamaForCausalLM  # noqa: E402

from data_schemas import AcuityScale  # noqa: E402
from triage.slm.adapter import LoraAdapter  # noqa: E402
from triage.slm.build import ensure_built  # noqa: E402
from triage.slm.fetch import find_base_model  # noqa: E402
from triage.slm.gguf_weights import GgufModel  # noqa: E402
from triage.slm.tokenizer import tokenizer_from_gguf  # noqa: E402
from triage.training.calibrate import fit  # noqa: E402
from triage.training.examples import TrainingExample  # noqa: E402
from triage.training.finetune import Encoder, FinetuneConfig, attach_lora, batch_loss, train  # noqa: E402
from triage.training.mixture import MixtureConfig  # noqa: E402

CONFIGS = sorted((Path(__file__).parents[3] / "triage" / "training" / "configs").glob("*.yaml"))


@pytest.fixture(scope="module")
def encoder():
    return Encoder(tokenizer_from_gguf(GgufModel(find_base_model())))


def tiny():
    torch.manual_seed(0)
    shape = LlamaConfig(
        vocab_size=49152,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=2,
        tie_word_embeddings=True,
    )
    return LlamaForCausalLM(shape)


def example(level, complaint):
    return TrainingExample(
        case_id=f"made-up-{level}",
        prefix="<|im_start|>user\nLevel?\n",
        prompt=f"ESI: F1 40 y, F2 {complaint}<|im_end|>\n<|im_start|>assistant\n",
        target=f"Level: {level}\nA no B no C 1 D no\nFacts: F1 F2",
        level=level,
        scale=AcuityScale.ESI,
        group="made-up",
    )


EXAMPLES = [
    example(1 + i % 5, word) for i, word in enumerate(["arrest", "stroke", "belly", "sprain", "refill"] * 4)
]


def config(**changes):
    return FinetuneConfig(
        name="tiny", rank=4, alpha=8, dropout=0.0, learning_rate=5e-3, warmup_steps=2, **changes
    )


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_every_shipped_recipe_loads(path):
    assert FinetuneConfig.load(path).steps > 0
    assert MixtureConfig.load(path).parts


def test_training_lowers_the_loss_and_leaves_an_adapter(encoder, tmp_path):
    recipe = config(steps=30, batch_size=10, evaluate_every=10, first_layer=1)
    model = attach_lora(tiny(), recipe)
    curve = train(model, encoder, EXAMPLES, {"made-up": EXAMPLES[:5]}, recipe, tmp_path / "adapter")
    assert curve[-1]["loss"] < curve[0]["loss"]
    assert {"accuracy", "kappa", "recall_high"} <= curve[-1]["made-up"].keys()
    assert (tmp_path / "adapter" / "adapter_model.safetensors").is_file()
    record = json.loads((tmp_path / "adapter" / "run.json").read_text())
    assert record["examples"] == len(EXAMPLES)
    assert len(record["corpus_sha256"]) == 64
    assert LoraAdapter(tmp_path / "adapter").name


def test_without_answer_weight_only_the_level_is_a_target(encoder):
    model = attach_lora(tiny(), config()).eval()
    rows = [encoder.encode(item) for item in EXAMPLES[:5]]
    other = [
        encoder.encode(TrainingExample(**{**vars_of(item), "target": item.target[:9] + "\nx"}))
        for item in EXAMPLES[:5]
    ]
    level_only = config(answer_weight=0.0)
    assert batch_loss(model, rows, encoder, level_only).item() == pytest.approx(
        batch_loss(model, other, encoder, level_only).item()
    )
    full = config(answer_weight=0.3)
    assert batch_loss(model, rows, encoder, full).item() > batch_loss(model, rows, encoder, level_only).item()


def vars_of(item):
    return {name: getattr(item, name) for name in item.__dataclass_fields__}


def test_under_triage_weight_and_ordinal_term_change_the_loss(encoder):
    model = attach_lora(tiny(), config()).eval()
    rows = [encoder.encode(item) for item in EXAMPLES[:5]]
    plain = batch_loss(model, rows, encoder, config(answer_weight=0.0)).item()
    assert batch_loss(model, rows, encoder, config(answer_weight=0.0, ordinal_weight=0.5)).item() > plain


def test_an_untrained_adapter_of_the_real_shape_builds(tmp_path):
    from triage.training.base_model import load_base

    model, _ = load_base(find_base_model())
    attach_lora(model, config(first_layer=28)).save_pretrained(str(tmp_path / "adapter"))
    built = ensure_built(find_base_model(), tmp_path / "adapter", cache=tmp_path / "cache")
    assert built.source.adapter_sha256


def test_calibration_learns_a_temperature_and_a_threshold():
    import numpy as np

    rng = np.random.default_rng(0)
    truth = rng.integers(1, 6, size=400)
    sure = np.full((400, 5), 0.01)
    for row, level in enumerate(truth):
        said = level if rng.random() < 0.6 else rng.integers(1, 6)
        sure[row, said - 1] = 0.96
    fitted = fit(sure, truth.tolist(), fitted_on="made-up cases")
    assert fitted.temperature > 1.2  # it claims 96 % and is right far less often
    assert 0.1 <= fitted.high_threshold <= 0.7
    with pytest.raises(ValueError, match="at least 20"):
        fit(sure[:5], truth[:5].tolist(), fitted_on="too few")
