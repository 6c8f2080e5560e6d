"""The recipe on a tiny random model of the same architecture: every part runs, and what is saved can be merged."""

import json
from dataclasses import replace

import pytest

pytestmark = pytest.mark.slow

import torch  # noqa: E402

from data_schemas import AcuityScale  # noqa: E402
from triage.slm.adapter import LoraAdapter  # noqa: E402
from triage.slm.build import ensure_built  # noqa: E402
from triage.slm.fetch import find_base_model  # noqa: E402
from triage.slm.gguf_weights import GgufModel  # noqa: E402
from triage.slm.tokenizer import tokenizer_from_gguf  # noqa: E402
from triage.training.batches import BatchStream, Position  # noqa: E402
from triage.training.calibrate import fit  # noqa: E402
from triage.training.examples import TrainingExample  # noqa: E402
from triage.training.finetune import Encoder, FinetuneConfig, attach_lora, batch_loss, train  # noqa: E402
from triage.training.loop import schedule  # noqa: E402
from triage.training.lora import load_weights  # noqa: E402
from triage.training.loss import level_targets  # noqa: E402
from triage.training.scoring import evaluate, level_probabilities  # noqa: E402


@pytest.fixture(scope="module")
def encoder():
    return Encoder(tokenizer_from_gguf(GgufModel(find_base_model())))


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


def test_training_lowers_the_loss_and_leaves_an_adapter(encoder, tmp_path, tiny_llama):
    recipe = config(steps=30, batch_size=10, evaluate_every=10, first_layer=1)
    model = attach_lora(tiny_llama(), recipe)
    steps = []
    done = train(
        model,
        encoder,
        EXAMPLES,
        {"made-up": EXAMPLES[:5]},
        recipe,
        tmp_path / "adapter",
        on_step=lambda step, share, loss: steps.append((step, share)),
    )
    assert done.curve[-1]["loss"] < done.curve[0]["loss"]
    assert {"nll", "accuracy", "kappa", "recall_high"} == done.curve[-1]["made-up"].keys()
    assert (tmp_path / "adapter" / "adapter_model.safetensors").is_file()
    assert LoraAdapter(tmp_path / "adapter").name
    assert [step for step, _ in steps] == list(range(1, 31))
    assert steps[-1][1] == 1.0
    assert done.stopped == "steps"
    assert json.loads((tmp_path / "adapter" / "curve.json").read_text()) == done.curve
    assert (tmp_path / "adapter" / "curve.png").read_bytes().startswith(b"\x89PNG")


def test_the_checkpoint_with_the_best_likelihood_is_kept(encoder, tmp_path, tiny_llama):
    # A rate far too high: the first evaluations are not the worst, and the last is seldom the best.
    recipe = config(steps=12, batch_size=10, evaluate_every=1).model_copy(update={"learning_rate": 0.2})
    model = attach_lora(tiny_llama(), recipe)
    done = train(model, encoder, EXAMPLES, {"made-up": EXAMPLES[:5]}, recipe, tmp_path / "adapter")
    likelihoods = [row["made-up"]["nll"] for row in done.curve]
    best = likelihoods.index(min(likelihoods))
    assert done.best_step == best + 1
    assert [row["best"] for row in done.curve] == [
        value < min(likelihoods[:i], default=float("inf")) for i, value in enumerate(likelihoods)
    ]
    load_weights(model, tmp_path / "adapter")
    rows = [encoder.encode(item) for item in EXAMPLES[:5]]
    assert evaluate(model, rows, encoder)["nll"] == pytest.approx(likelihoods[best], abs=1e-4)


def test_training_stops_when_it_gets_no_better(encoder, tmp_path, tiny_llama):
    recipe = config(steps=50, batch_size=5, evaluate_every=1, patience=3)
    model = attach_lora(tiny_llama(), recipe.model_copy())
    still = recipe.model_copy(
        update={"learning_rate": 1e-12}
    )  # nothing moves: no evaluation after the first is better
    done = train(model, encoder, EXAMPLES, {"made-up": EXAMPLES[:5]}, still, tmp_path / "adapter")
    assert (done.step, done.stopped) == (4, "patience")


def test_training_ends_with_its_minutes(encoder, tmp_path, tiny_llama):
    recipe = config(minutes=0.02, batch_size=5, evaluate_every=10_000)
    done = train(attach_lora(tiny_llama(), recipe), encoder, EXAMPLES, {}, recipe, tmp_path / "adapter")
    assert done.stopped == "minutes"
    assert 1.2 <= done.seconds < 10
    assert len(done.curve) == 1


def test_a_loss_that_is_no_number_ends_training_with_a_word(encoder, tmp_path, tiny_llama):
    model = attach_lora(tiny_llama(), config())
    with torch.no_grad():
        model.get_base_model().lm_head.weight.fill_(float("nan"))
    with pytest.raises(FloatingPointError, match="step 1"):
        train(model, encoder, EXAMPLES, {}, config(), tmp_path / "adapter")


def test_accumulated_batches_are_one_batch(encoder, tiny_llama):
    rows = [encoder.encode(item) for item in EXAMPLES[:4]]
    model = attach_lora(tiny_llama(), config()).eval()
    recipe = config(answer_weight=0.0)
    together = batch_loss(model, rows, encoder, recipe).item()
    apart = [batch_loss(model, rows[i : i + 2], encoder, recipe).item() for i in (0, 2)]
    assert together == pytest.approx(sum(apart) / 2, abs=1e-5)


def test_a_teacher_shares_the_level_s_target(encoder):
    soft = (0.5, 0.3, 0.1, 0.05, 0.05)
    rows = [encoder.encode(replace(EXAMPLES[2], soft=soft)), encoder.encode(EXAMPLES[3])]
    wanted = level_targets(rows, 0.6)
    assert wanted[0].tolist() == pytest.approx([0.3, 0.18, 0.06 + 0.4, 0.03, 0.03])
    assert wanted[1].tolist() == [0, 0, 0, 1, 0]


def test_batches_are_the_same_again_from_any_position(encoder):
    rows = [encoder.encode(item) for item in EXAMPLES]
    stream = BatchStream(rows, 6, seed=3)
    taken = [(stream.position, next(stream)) for _ in range(10)]
    assert stream.batches_per_epoch == 3
    assert taken[0][1] != taken[3][1]  # another order in each epoch
    for position, batch in taken:
        assert next(BatchStream(rows, 6, seed=3, start=position)) == batch
    assert len(next(BatchStream(rows[:2], 6, seed=3))) == 2
    assert Position(1, 0) in [position for position, _ in taken] or Position(0, 3) in [p for p, _ in taken]


def test_the_learning_rate_warms_up_and_falls_to_its_end():
    recipe = config(steps=100, final_rate=0.1).model_copy(update={"warmup_steps": 10})
    rates = [schedule(step, step / 100, recipe) for step in range(1, 101)]
    assert rates[0] == pytest.approx(0.1, abs=0.01)
    assert max(rates) == rates[9]
    assert rates[-1] == pytest.approx(0.1)


def test_without_answer_weight_only_the_level_is_a_target(encoder, tiny_llama):
    model = attach_lora(tiny_llama(), config()).eval()
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


def test_under_triage_weight_and_ordinal_term_change_the_loss(encoder, tiny_llama):
    model = attach_lora(tiny_llama(), config()).eval()
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


def twin_of(item, complaint):
    return replace(item, distracted=example(item.level, complaint).prompt)


def test_a_distracted_twin_that_says_the_same_costs_nothing(encoder, tiny_llama):
    recipe = config(steps=1, consistency_weight=1.0)
    model = attach_lora(tiny_llama(), recipe).eval()
    rows = EXAMPLES[:5]
    alone = batch_loss(model, [encoder.encode(row) for row in rows], encoder, recipe)
    same = [encoder.encode(replace(row, distracted=row.prompt)) for row in rows]
    assert batch_loss(model, same, encoder, recipe).item() - alone.item() == pytest.approx(0.0, abs=1e-4)
    moved = [encoder.encode(twin_of(row, "a very long talk about the weather")) for row in rows]
    assert batch_loss(model, moved, encoder, recipe).item() > alone.item()
    unheeded = recipe.model_copy(update={"consistency_weight": 0.0})
    assert batch_loss(model, moved, encoder, unheeded).item() == pytest.approx(alone.item(), abs=1e-4)


def test_training_draws_a_distracted_twin_to_its_case(encoder, tmp_path, tiny_llama):
    rows = [twin_of(row, f"{row.prompt[12:20]} and a talk about the bus") for row in EXAMPLES]

    def divergence(weight):
        recipe = config(steps=25, batch_size=10, evaluate_every=25, first_layer=1, consistency_weight=weight)
        model = attach_lora(tiny_llama(), recipe)
        train(model, encoder, rows, {"made-up": rows[:5]}, recipe, tmp_path / f"adapter-{weight:g}")
        encoded = [encoder.encode(row) for row in rows[:5]]
        ends = [replace(item, ids=item.distracted, level_at=len(item.distracted)) for item in encoded]
        calm, said = (level_probabilities(model, them, encoder) for them in (encoded, ends))
        return float((calm * (calm / said).log()).sum(-1).mean())

    assert divergence(2.0) < divergence(0.0)
