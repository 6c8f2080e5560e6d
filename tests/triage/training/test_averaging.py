"""The running average of weights, against values worked out by hand."""

import pytest

pytestmark = pytest.mark.slow

import torch  # noqa: E402
from safetensors.torch import load_file  # noqa: E402

from triage.training.averaging import WeightAverage  # noqa: E402
from triage.training.run import run  # noqa: E402


def test_two_updates_by_hand():
    weight = torch.nn.Parameter(torch.tensor([1.0]))
    average = WeightAverage([weight], 0.9)
    weight.data.fill_(2.0)
    average.update()  # decay 2/11: 1 * 2/11 + 2 * 9/11
    weight.data.fill_(4.0)
    average.update()  # decay 3/12
    with average.in_place():
        assert weight.item() == pytest.approx((20 / 11) * 0.25 + 4.0 * 0.75)
    assert weight.item() == 4.0


def test_an_error_inside_leaves_the_trained_weights():
    weight = torch.nn.Parameter(torch.tensor([1.0]))
    average = WeightAverage([weight], 0.5)
    weight.data.fill_(3.0)
    average.update()
    with pytest.raises(RuntimeError, match="stop"), average.in_place():
        raise RuntimeError("stop")
    assert weight.item() == 3.0


def test_a_restored_average_goes_on_as_if_unbroken():
    weight = torch.nn.Parameter(torch.tensor([1.0]))
    one = WeightAverage([weight], 0.5)
    for value in (2.0, 5.0):
        weight.data.fill_(value)
        one.update()
    other = WeightAverage([weight], 0.5)
    other.restore(one.state())
    for average in (one, other):
        with average.in_place():
            kept = weight.item()
        assert kept == pytest.approx((20 / 11) * 0.25 + 5.0 * 0.75)


@pytest.mark.parametrize("decay", [0.0, 1.0, -0.1])
def test_a_decay_that_means_nothing_is_refused(decay):
    with pytest.raises(ValueError, match="between 0 and 1"):
        WeightAverage([], decay)


def test_the_average_is_what_is_kept(make_base, write_recipe, tmp_path):
    base = make_base("llama")
    for name, decay in (("plain", 0.0), ("averaged", 0.99)):
        # One evaluation, at the end: both keep the last step, one of them averaged over all.
        recipe = write_recipe(base, recipe={"average_decay": decay, "evaluate_every": 100})
        run(recipe, tmp_path / name, report=lambda row: None)
    plain, averaged = (
        load_file(tmp_path / name / "adapter_model.safetensors") for name in ("plain", "averaged")
    )
    assert any(not torch.equal(plain[key], averaged[key]) for key in plain)
    # LoRA's B starts at nothing; an average over the way there has not come as far.
    norm = {
        name: sum(float(v.norm()) for k, v in weights.items() if "lora_B" in k)
        for name, weights in (("plain", plain), ("averaged", averaged))
    }
    assert 0 < norm["averaged"] < norm["plain"]
