"""A random model really computes, and the reference's rows come out of it. Needs the extra `train`."""

import pytest

from eval import sample_cases
from eval.energy import Depths, EnergyError, Shape, has_room, measure_reference, random_model
from eval.energy.random_model import RandomModel
from integrations.settings import Settings

pytestmark = pytest.mark.slow

TINY = Shape(
    name="tiny",
    family="qwen2",
    hidden=512,
    layers=12,
    heads=8,
    kv_heads=2,
    intermediate=2048,
    vocabulary=4096,
    tied_embeddings=False,
    rope_theta=1e6,
    norm_epsilon=1e-6,
    source="made up here",
)


def test_every_weight_is_really_drawn() -> None:
    import torch

    model = RandomModel(TINY, threads=1)
    assert model.weights == TINY.parameters
    for name, parameter in model._model.named_parameters():
        item = parameter.detach()
        assert item.device.type == "cpu"
        assert item.dtype is torch.bfloat16
        if "norm" in name:
            assert bool((item == 1).all())
            continue
        assert float(item.float().std()) == pytest.approx(0.02, rel=0.01 + 5 / (2 * item.numel()) ** 0.5), (
            name
        )
        smallest = torch.finfo(torch.bfloat16).tiny
        assert float((item.float().abs() < smallest).float().mean()) < 1e-3, name
    angles = model._model.model.rotary_emb.inv_freq
    assert float(angles[0]) == 1
    assert float(angles[-1]) == pytest.approx(1e6 ** -(62 / 64), rel=1e-3)
    model.close()


def test_it_reads_and_writes_as_many_tokens_as_asked() -> None:
    """Passes are counted inside the model, through as many layers as asked."""
    model = RandomModel(TINY, threads=1)
    seen: list[int] = []
    last: list[int] = []
    model._model.model.layers[0].register_forward_pre_hook(lambda _, args: seen.append(args[0].shape[1]))
    model._model.model.layers[11].register_forward_pre_hook(lambda _, args: last.append(args[0].shape[1]))
    model.run([[1] * 20, [2] * 7], [4, 2])
    assert seen == [20, 1, 1, 1, 7, 1]
    assert last == seen
    model.run([[1] * 5], [2], layers=3)
    assert seen[6:] == [5, 1]
    assert len(last) == 6
    model.close()


def test_too_little_memory_is_said_before_anything_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random_model, "available_bytes", lambda: 2 * 1024**3)
    with pytest.raises(EnergyError, match=r"needs 0\.1 GB"):
        RandomModel(TINY, threads=1)


def test_it_stops_where_others_run_out_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    model = RandomModel(TINY, threads=1)
    monkeypatch.setattr(random_model, "available_bytes", lambda: 10**9)
    with pytest.raises(EnergyError, match="left for others"):
        model.run([[1]], [1])


@pytest.mark.parametrize("depths", [None, Depths(low=3, check=6, high=12)])
def test_the_reference_beside_the_small_model(depths: Depths | None) -> None:
    assert has_room(TINY)
    settings = Settings()  # one thread: two that wait for each other on a busy machine burn time without work
    settings = settings.model_copy(update={"model": settings.model.model_copy(update={"threads": 1})})
    rows = measure_reference(
        sample_cases(), settings, shape=TINY, depths=depths, limit=1, seconds=0.5, cpu_watts=50
    )
    deployed, small, reference = rows[:3]
    assert (deployed.row, small.row, reference.row) == (
        "slm",
        "slm-transformers",
        "tiny shape, random weights",
    )
    assert deployed.prompt_tokens == small.prompt_tokens == reference.prompt_tokens
    assert deployed.decoded_tokens == small.decoded_tokens == reference.decoded_tokens
    assert small.ratio is not None
    assert small.against == reference.row
    assert small.ratio == pytest.approx(small.wh_per_1000 / reference.wh_per_1000, rel=0.5)
    assert small.ratio > 1  # tiny has 12 layers of the same width as the small model's 30
    assert [row.row for row in rows[3:]] == (
        [] if depths is None else [f"tiny shape, random weights, {n} of 12 layers" for n in depths.all]
    )
