"""Make the folder that vLLM serves: configuration, weights, tokenizer, chat template, manifest of hashes.

Needs numpy, ``gguf`` and ``safetensors`` only. The folder is written beside its place and moved there whole, so that a
half-written model is never served.
"""

import hashlib
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

from safetensors.numpy import save_file
from tokenizers import Tokenizer

from triage.slm.adapter import CONFIG_FILE, WEIGHTS_FILE, LoraAdapter
from triage.slm.build import merged_weights
from triage.slm.chat import ChatFormat, ChatFormatError
from triage.slm.errors import ModelIntegrityError, ModelMissingError
from triage.slm.fetch import MODEL_NAME, file_sha256, folder_sha256
from triage.slm.gguf_weights import GgufModel
from triage.slm.prompt import PROMPT_VERSION
from triage.slm.serving.errors import ServeError
from triage.slm.serving.manifest import MANIFEST_FILE, ServedFolder, ServedSource, verify, write_manifest
from triage.slm.serving.template import chat_template
from triage.slm.serving.weights import merge_in_place
from triage.slm.tokenizer import tokenizer_from_gguf

BUILDER_VERSION = 1
"""Raise it whenever the same inputs would give another folder."""

_COPIED = {".json", ".model", ".safetensors", ".txt"}


def build_served(out: Path, base: Path, adapter: Path | None = None, *, merged: bool = True) -> ServedFolder:
    """Write the served folder.

    Args:
        out: where to; must not exist, or be a folder that this function made (which is then replaced).
        base: the embedded model's GGUF file, or a local folder in Hugging Face format with ``*.safetensors``.
        adapter: a LoRA folder in peft format.
        merged: the adapter in the weights (faster); False keeps it beside them, for a server that switches adapters.

    Raises:
        ModelMissingError: the base or a file of the adapter is not there.
        ModelIntegrityError: an input cannot be used.
        ServeError: ``out`` holds something else, or the tokenizer's chat format is not known.
    """
    if out.exists() and not (out / MANIFEST_FILE).is_file() and (not out.is_dir() or any(out.iterdir())):
        raise ServeError(f"{out} holds something that is no served model: give another folder")
    lora = LoraAdapter(adapter) if adapter is not None else None
    out.absolute().parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(dir=out.absolute().parent, prefix=".serve-"))
    try:
        inside = lora if merged else None
        if base.is_dir():
            name, base_sha256 = _from_folder(scratch, base, inside)
        else:
            name, base_sha256 = _from_gguf(scratch, base, inside)
        if adapter is not None and lora is not None and not merged:
            beside = scratch / "lora" / lora.name
            beside.mkdir(parents=True)
            for file in (CONFIG_FILE, WEIGHTS_FILE):
                shutil.copyfile(adapter / file, beside / file)
        source = ServedSource(
            base=name,
            base_sha256=base_sha256,
            adapter=lora.name if lora else None,
            adapter_sha256=lora.sha256 if lora else None,
            merged=merged and lora is not None,
            prompt_version=PROMPT_VERSION,
            builder_version=BUILDER_VERSION,
        )
        write_manifest(scratch, source)
        for path in (
            scratch,
            *scratch.rglob("*"),
        ):  # built by one user, read by the service's; nothing is secret
            path.chmod(0o755 if path.is_dir() else 0o644)
        if out.exists():
            shutil.rmtree(out)
        scratch.rename(out)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return verify(out)


def served_folder(cache: Path, base: Path, adapter: Path | None = None, *, merged: bool = True) -> Path:
    """Where the served folder of these inputs lies in the cache, named after all of them; built where it is not there.

    Raises:
        EngineError: see ``build_served``.
    """
    base_sha256 = folder_sha256(base) if base.is_dir() else file_sha256(base)
    lora = LoraAdapter(adapter).sha256 if adapter is not None else ""
    parts = (base_sha256, lora, str(merged or adapter is None), PROMPT_VERSION, str(BUILDER_VERSION))
    out = cache / "served" / hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
    if not (out / MANIFEST_FILE).is_file():
        build_served(out, base, adapter, merged=merged)
    return out


def _from_gguf(folder: Path, gguf: Path, lora: LoraAdapter | None) -> tuple[str, str]:
    """float32: what the fine-tuning changed is small, and a coarser type would round some of it away."""
    if not gguf.is_file():
        raise ModelMissingError(f"{gguf} is not there: run `triage model fetch`")
    model = GgufModel(gguf)
    tokenizer = tokenizer_from_gguf(model)
    save_file(dict(merged_weights(model, lora)), folder / "model.safetensors", metadata={"format": "pt"})
    special = {
        name: int(model.field(f"tokenizer.ggml.{name}_token_id")) for name in ("bos", "eos", "unknown")
    }
    special["pad"] = int(model.field("tokenizer.ggml.padding_token_id"))
    shape = model.shape
    _write_json(
        folder / "config.json",
        {
            "architectures": ["LlamaForCausalLM"],
            "model_type": "llama",
            "vocab_size": shape.vocabulary,
            "hidden_size": shape.hidden,
            "intermediate_size": shape.intermediate,
            "num_hidden_layers": shape.layers,
            "num_attention_heads": shape.heads,
            "num_key_value_heads": shape.kv_heads,
            "head_dim": shape.head_dim,
            "hidden_act": "silu",
            "max_position_embeddings": shape.context,
            "rms_norm_eps": shape.norm_epsilon,
            "rope_theta": shape.rope_theta,
            "rope_parameters": {"rope_type": "default", "rope_theta": shape.rope_theta},
            "attention_bias": False,
            "mlp_bias": False,
            "tie_word_embeddings": True,
            "bos_token_id": special["bos"],
            "eos_token_id": special["eos"],
            "pad_token_id": special["pad"],
            "dtype": "float32",
        },
    )
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    words = {name: tokenizer.id_to_token(number) for name, number in special.items()}
    _write_json(
        folder / "tokenizer_config.json",
        {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "bos_token": words["bos"],
            "eos_token": words["eos"],
            "unk_token": words["unknown"],
            "pad_token": words["pad"],
            "add_bos_token": False,
            "clean_up_tokenization_spaces": False,
            "model_max_length": shape.context,
            "chat_template": chat_template(_chat_format(tokenizer)),
        },
    )
    ends = {f"{name}_token_id": special[name] for name in ("bos", "eos", "pad")}
    _write_json(folder / "generation_config.json", {"do_sample": False, **ends})
    return MODEL_NAME, file_sha256(gguf)


def _from_folder(folder: Path, base: Path, lora: LoraAdapter | None) -> tuple[str, str]:
    """A copy, with the adapter in the weights and the project's chat template."""
    for needed in ("config.json", "tokenizer.json"):
        if not (base / needed).is_file():
            raise ModelMissingError(
                f"{base} holds no {needed}: give a local folder in Hugging Face format with --base, for instance one "
                "made with `hf download MODEL --local-dir FOLDER`"
            )
    if not list(base.glob("*.safetensors")):
        raise ModelMissingError(f"{base} holds no *.safetensors: pickled weights are not served")
    chat = _chat_format(Tokenizer.from_file(str(base / "tokenizer.json")))
    for path in sorted(base.iterdir()):
        if path.is_file() and path.suffix in _COPIED and path.name != MANIFEST_FILE:
            shutil.copyfile(path, folder / path.name)
    settings_path = folder / "tokenizer_config.json"
    try:
        settings = json.loads(settings_path.read_text("utf-8")) if settings_path.is_file() else {}
        _write_json(settings_path, {**settings, "chat_template": chat_template(chat)})
    except (ValueError, TypeError) as error:
        raise ModelIntegrityError(f"{base / settings_path.name} cannot be read") from error
    if lora is not None:
        merge_in_place(folder, lora)
    return base.resolve().name.replace("+", "-").replace("@", "-"), folder_sha256(base)


def _chat_format(tokenizer: Tokenizer) -> ChatFormat:
    try:
        return ChatFormat.from_tokenizer(tokenizer)
    except ChatFormatError as error:
        raise ServeError(str(error)) from error


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", "utf-8")
