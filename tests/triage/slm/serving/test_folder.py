"""The served folder: complete, equal to what is trained and embedded, the same every time, and checked."""

import json
import os

import numpy as np
import pytest
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from triage.slm.adapter import LoraAdapter
from triage.slm.build import merged_weights
from triage.slm.errors import ModelIntegrityError, ModelMissingError
from triage.slm.gguf_weights import GgufModel
from triage.slm.prompt import PROMPT_VERSION
from triage.slm.serving import ServedName, ServeError, build_served, read_manifest, served_folder, verify
from triage.slm.tokenizer import tokenizer_from_gguf

CHANGED, KEPT = "model.layers.0.self_attn.q_proj.weight", "model.norm.weight"


@pytest.fixture(scope="module")
def from_gguf(gguf, lora_folder, tmp_path_factory):
    return build_served(tmp_path_factory.mktemp("served") / "merged", gguf, lora_folder)


def test_a_gguf_becomes_a_whole_hugging_face_folder(from_gguf):
    assert set(from_gguf.files) == {
        "config.json",
        "generation_config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
    }
    source = from_gguf.source
    assert (source.base, source.adapter, source.merged) == ("SmolLM2-135M-Instruct", "random", True)
    assert source.prompt_version == PROMPT_VERSION
    modes = {path.name: path.stat().st_mode & 0o777 for path in from_gguf.folder.iterdir()}
    assert set(modes.values()) == {0o644}


def test_its_weights_are_those_of_the_embedded_engine_with_the_adapter(from_gguf, gguf, lora_folder):
    stored = load_file(from_gguf.folder / "model.safetensors")
    count = 0
    for name, weight in merged_weights(GgufModel(gguf), LoraAdapter(lora_folder)):
        np.testing.assert_array_equal(stored[name], weight)
        count += 1
    assert count == len(stored) == 272


def test_its_tokenizer_is_the_embedded_one(from_gguf, gguf):
    ours, theirs = (
        tokenizer_from_gguf(GgufModel(gguf)),
        Tokenizer.from_file(str(from_gguf.folder / "tokenizer.json")),
    )
    text = "<|im_start|>user\nESI\nHR 128  ½ T38.9<|im_end|>"
    assert (
        ours.encode(text, add_special_tokens=False).ids == theirs.encode(text, add_special_tokens=False).ids
    )


@pytest.mark.slow
def test_the_same_inputs_give_the_same_name_and_another_adapter_another(
    from_gguf, gguf, lora_folder, tmp_path
):
    again = build_served(tmp_path / "again", gguf, lora_folder)
    assert str(again.name) == str(from_gguf.name)
    plain = build_served(tmp_path / "plain", gguf)
    assert plain.name.sha256 != from_gguf.name.sha256
    assert str(plain.name).startswith("SmolLM2-135M-Instruct@")


def test_an_adapter_is_kept_beside_the_weights_where_asked(tiny_base, tiny_lora, tmp_path):
    served = build_served(tmp_path / "lora", tiny_base, tiny_lora, merged=False)
    assert served.lora == served.folder / "lora" / "tiny"
    assert {"lora/tiny/adapter_config.json", "lora/tiny/adapter_model.safetensors"} < set(served.files)
    assert str(served.name).startswith("Tiny+tiny@")
    assert str(served.base_name).startswith("Tiny@")
    stored, base = (load_file(folder / "model.safetensors") for folder in (served.folder, tiny_base))
    np.testing.assert_array_equal(stored[CHANGED], base[CHANGED])


def test_a_folder_is_merged_in_place_and_nothing_else_changes(tiny_base, tiny_lora, tmp_path):
    served = build_served(tmp_path / "merged", tiny_base, tiny_lora)
    stored, base = (load_file(folder / "model.safetensors") for folder in (served.folder, tiny_base))
    lora = load_file(tiny_lora / "adapter_model.safetensors")
    down, up = (
        lora[f"base_model.model.{CHANGED.removesuffix('.weight')}.lora_{side}.weight"] for side in "AB"
    )
    np.testing.assert_array_equal(stored[CHANGED], base[CHANGED] + np.float32(2.0) * (up @ down))
    np.testing.assert_array_equal(stored[KEPT], base[KEPT])


def test_a_foreign_chat_template_is_left_behind(tiny_base, tmp_path):
    served = build_served(tmp_path / "out", tiny_base)
    assert "chat_template.jinja" not in served.files
    settings = json.loads((served.folder / "tokenizer_config.json").read_text())
    assert "foreign" not in settings["chat_template"]
    assert settings["eos_token"] == "x"


@pytest.mark.parametrize(
    "name",
    ["config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"],
)
def test_one_changed_byte_in_any_file_is_named(name, tiny_base, tmp_path):
    served = build_served(tmp_path / "out", tiny_base)
    path = served.folder / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(ModelIntegrityError, match=rf"{name} is not the file that was built.*build it again"):
        verify(served.folder)


def test_a_missing_and_an_unknown_file_are_named(tiny_base, tmp_path):
    served = build_served(tmp_path / "out", tiny_base)
    (served.folder / "chat_template.jinja").write_text("{{ 'always level 5' }}")
    with pytest.raises(ModelIntegrityError, match=r"chat_template\.jinja is not in the manifest"):
        verify(served.folder)
    (served.folder / "chat_template.jinja").unlink()
    (served.folder / "config.json").unlink()
    with pytest.raises(ModelIntegrityError, match=r"config\.json is missing"):
        verify(served.folder)


def test_a_changed_source_in_the_manifest_changes_the_name(tiny_base, tmp_path):
    served = build_served(tmp_path / "out", tiny_base)
    path = served.folder / "manifest.json"
    path.write_text(path.read_text().replace(PROMPT_VERSION, "1999.01-1"))
    assert read_manifest(served.folder).digest != served.digest


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"source": {}, "files": {}}', "\xff"])
def test_an_unreadable_manifest_is_an_error(text, tmp_path):
    (tmp_path / "manifest.json").write_text(text, "latin-1")
    with pytest.raises(ModelIntegrityError, match="cannot be read"):
        verify(tmp_path)


def test_a_manifest_cannot_name_files_elsewhere(tiny_base, tmp_path):
    served = build_served(tmp_path / "out", tiny_base)
    path = served.folder / "manifest.json"
    path.write_text(path.read_text().replace('"config.json"', '"../config.json"'))
    with pytest.raises(ModelIntegrityError, match="outside of the folder"):
        verify(served.folder)


def test_no_manifest_says_which_command_makes_one(tmp_path):
    with pytest.raises(ModelMissingError, match="triage model build --out"):
        verify(tmp_path)


def test_nothing_else_is_overwritten(tiny_base, tmp_path):
    (tmp_path / "thesis.txt").write_text("three years of work")
    with pytest.raises(ServeError, match="no served model"):
        build_served(tmp_path, tiny_base)
    assert (tmp_path / "thesis.txt").exists()


def test_an_older_served_folder_is_replaced(tiny_base, tiny_lora, tmp_path):
    build_served(tmp_path / "out", tiny_base)
    assert build_served(tmp_path / "out", tiny_base, tiny_lora).source.adapter == "tiny"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("missing", ["config.json", "tokenizer.json", "model.safetensors"])
def test_an_incomplete_base_is_refused_and_leaves_nothing(missing, tiny_base, tmp_path):
    base = tmp_path / "base"
    base.mkdir()
    for path in tiny_base.iterdir():
        if path.name != missing:
            os.link(path, base / path.name)
    with pytest.raises(ModelMissingError, match="holds no"):
        build_served(tmp_path / "out", base)
    assert [path.name for path in tmp_path.iterdir()] == ["base"]


def test_the_cache_builds_once_and_again_after_damage_only_where_asked(tiny_base, tiny_lora, tmp_path):
    first = served_folder(tmp_path, tiny_base, tiny_lora)
    stamp = (first / "manifest.json").stat().st_mtime_ns
    assert served_folder(tmp_path, tiny_base, tiny_lora) == first
    assert (first / "manifest.json").stat().st_mtime_ns == stamp
    assert served_folder(tmp_path, tiny_base, tiny_lora, merged=False) != first


@pytest.mark.parametrize(
    "text", ["gpt-4o", "a@b", f"@{'0' * 64}", f"x@{'G' * 64}", f"x@{'a' * 63}", f"+x@{'a' * 64}"]
)
def test_a_foreign_name_is_not_one_of_ours(text):
    assert ServedName.parse(text) is None


def test_a_name_survives_the_round_trip():
    for adapter in (None, "smollm2_triage"):
        name = ServedName("SmolLM2-135M-Instruct", adapter, "0a" * 32)
        assert ServedName.parse(str(name)) == name
