"""Copies of adapters under their hash."""

import json

import numpy as np
import pytest
from safetensors.numpy import save_file

from triage.slm.adapter import adapter_sha256
from triage.slm.adapter_store import AdapterStore
from triage.slm.errors import ModelIntegrityError, ModelMissingError


@pytest.fixture
def make(tmp_path):
    def adapter(name="mine", seed=1, under="made"):
        folder = tmp_path / under / name
        folder.mkdir(parents=True)
        rng = np.random.default_rng(seed)
        key = "base_model.model.model.layers.0.self_attn.q_proj"
        tensors = {
            f"{key}.lora_A.weight": rng.normal(0, 1, (2, 4)).astype(np.float32),
            f"{key}.lora_B.weight": rng.normal(0, 1, (6, 2)).astype(np.float32),
        }
        save_file(tensors, folder / "adapter_model.safetensors")
        (folder / "adapter_config.json").write_text(
            json.dumps({"peft_type": "LORA", "r": 2, "lora_alpha": 4})
        )
        return folder

    return adapter


@pytest.fixture
def store(tmp_path):
    return AdapterStore(tmp_path / "store")


def test_a_copy_keeps_what_it_was_whatever_happens_to_the_original(store, make):
    folder = make()
    kept = store.add(folder)
    (folder / "adapter_config.json").write_text("{}")
    assert store.find("mine") == kept
    assert kept.sha256 == adapter_sha256(kept.folder)
    assert kept.calibration is None


def test_a_later_calibration_is_taken_over(store, make):
    folder = make()
    store.add(folder)
    (folder / "calibration.json").write_text("{}")
    store.add(folder)
    assert store.find("mine").calibration is not None
    assert len(store.all()) == 1


def test_two_of_one_name_need_the_hash(store, make):
    one, two = store.add(make()), store.add(make(seed=2, under="later"))
    with pytest.raises(ModelMissingError, match="more than one adapter is called mine"):
        store.find("mine")
    assert store.find(f"mine@{two.sha256[:10]}") == two
    assert store.find(one.ref) == one


def test_a_copy_that_somebody_edited_is_refused(store, make):
    kept = store.add(make())
    (kept.folder / "adapter_config.json").write_text('{"r": 2, "lora_alpha": 400}')
    with pytest.raises(ModelIntegrityError, match="not what was loaded"):
        store.find("mine")


@pytest.mark.parametrize("name", ["a+b", "with space", ".hidden"])
def test_a_name_that_could_pass_for_another_is_refused(name, store, make):
    with pytest.raises(ModelIntegrityError, match="is called"):
        store.add(make(name))


def test_what_is_not_there_is_said_with_what_is(store, make):
    with pytest.raises(ModelMissingError, match="there is: none"):
        store.find("mine")
    store.add(make())
    with pytest.raises(ModelMissingError, match="there is: mine@"):
        store.find("other")
