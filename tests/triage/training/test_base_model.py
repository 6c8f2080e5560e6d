"""Base models from a folder, and tokenizers that the prompt cannot be written for."""

import json

import pytest

pytestmark = pytest.mark.slow

import torch  # noqa: E402

from triage.slm.chat import ChatFormatError  # noqa: E402
from triage.training import base_model  # noqa: E402
from triage.training.base_model import BaseModelError  # noqa: E402
from triage.training.config import BaseConfig  # noqa: E402
from triage.training.encoding import Encoder  # noqa: E402

CHATML = ("<|im_start|>", "<|im_end|>")


def test_a_folder_is_loaded_in_the_recipe_s_precision(make_base):
    folder = make_base("qwen3")
    base = base_model.load(BaseConfig(model=str(folder), device="cpu"), "bfloat16")
    assert base.model.dtype == torch.bfloat16
    assert (base.name, base.device, len(base.sha256)) == (folder.name, "cpu", 64)
    assert not base.model.training
    assert Encoder(base.tokenizer).chat.family == "ChatML"


def test_the_embedded_model_is_not_quantised_again():
    with pytest.raises(BaseModelError, match="the embedded one is small"):
        base_model.load(BaseConfig(quantisation="nf4"), "bfloat16")


def test_a_model_that_scales_its_output_is_refused(make_base):
    folder = make_base("llama")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "final_logit_softcapping": 30.0}))
    with pytest.raises(BaseModelError, match="final_logit_softcapping"):
        base_model.load(BaseConfig(model=str(folder), device="cpu"), "float32")


def test_levels_must_be_one_token_each_after_the_lead(make_tokenizer):
    assert len(set(Encoder(make_tokenizer(CHATML)).digits)) == 5
    with pytest.raises(ChatFormatError, match="joins 'Level: ' and 3"):
        Encoder(make_tokenizer(CHATML, merges=[("Ġ", "3")]))
    with pytest.raises(ChatFormatError, match="neither ChatML tokens"):
        Encoder(make_tokenizer(("<s>",)))
