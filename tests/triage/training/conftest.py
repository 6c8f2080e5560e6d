import os
from importlib.util import find_spec

import pytest

# torch is in the extra `train`, which `make test` does not install. `make test-all` does, and there its absence
# must fail, not hide the tests.
if find_spec("torch") is None and "TEST_ALL" not in os.environ:
    collect_ignore = [
        "test_finetune.py",
        "test_recipes.py",
        "test_resume.py",
        "test_run.py",
        "test_averaging.py",
        "test_base_model.py",
    ]

CHATML = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
LLAMA_3 = ("<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>")


def byte_tokenizer(special, merges=()):
    """A byte-level tokenizer with these control tokens: one token a byte, but for the merges."""
    from tokenizers import AddedToken, Tokenizer
    from tokenizers.decoders import ByteLevel as Decoder
    from tokenizers.models import BPE
    from tokenizers.pre_tokenizers import ByteLevel

    letters = sorted(ByteLevel.alphabet())
    words = [*letters, *("".join(pair) for pair in merges)]
    tokenizer = Tokenizer(BPE(vocab={word: i for i, word in enumerate(words)}, merges=list(merges)))
    tokenizer.pre_tokenizer = ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = Decoder()
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in special])
    return tokenizer


@pytest.fixture(scope="session")
def make_tokenizer():
    return byte_tokenizer


@pytest.fixture(scope="session")
def make_base(tmp_path_factory):
    """Folders in Hugging Face format: a tiny random model of an architecture, and a tokenizer with its chat tokens."""

    def make(architecture, layers=2, tokenizer=None):
        import torch
        from transformers import AutoModelForCausalLM, LlamaConfig, Qwen2Config, Qwen3Config

        kind, special, extra = {
            "llama": (LlamaConfig, LLAMA_3, {}),
            "qwen2": (Qwen2Config, CHATML, {}),
            "qwen3": (Qwen3Config, CHATML, {"head_dim": 16}),
        }[architecture]
        folder = tmp_path_factory.mktemp(f"tiny-{architecture}")
        tokenizer = tokenizer or byte_tokenizer(special)
        tokenizer.save(str(folder / "tokenizer.json"))
        torch.manual_seed(0)
        shape = kind(
            vocab_size=tokenizer.get_vocab_size(),
            hidden_size=64,
            intermediate_size=96,
            num_hidden_layers=layers,
            num_attention_heads=4,
            num_key_value_heads=2,
            max_position_embeddings=2048,
            tie_word_embeddings=False,
            bos_token_id=None,
            eos_token_id=None,
            **extra,
        )
        AutoModelForCausalLM.from_config(shape).save_pretrained(folder)
        return folder

    return make


@pytest.fixture(scope="session")
def tiny_llama():
    """Tiny random Llama models with the vocabulary of the shipped base; the same weights each time."""

    def make(*, hidden=32, layers=3, **changes):
        import torch
        from transformers import LlamaConfig, LlamaForCausalLM

        torch.manual_seed(0)
        shape = LlamaConfig(
            vocab_size=49152,
            hidden_size=hidden,
            intermediate_size=2 * hidden,
            num_hidden_layers=layers,
            num_attention_heads=4,
            num_key_value_heads=2,
            tie_word_embeddings=True,
            **changes,
        )
        return LlamaForCausalLM(shape)

    return make


@pytest.fixture
def write_recipe(tmp_path):
    """A small recipe on the shipped cases; sections can be changed by name."""
    import yaml

    def write(base, *, recipe=None, corpus=None, parts=None):
        content = {
            "base": base if isinstance(base, dict) else str(base),
            "recipe": {
                "name": "tiny",
                "rank": 4,
                "alpha": 8,
                "dropout": 0.1,
                "learning_rate": 5e-3,
                "warmup_steps": 2,
                "steps": 8,
                "batch_size": 4,
                "evaluate_every": 3,
                "checkpoint_every": 2,
                "threads": 1,
                **(recipe or {}),
            },
            "corpus": {
                "whole": 0.5,
                "unaided": 0.25,
                "parts": parts or [{"dataset": "authored", "count": 40, "hold_out": 24}],
                **(corpus or {}),
            },
        }
        path = tmp_path / "recipe.yaml"
        path.write_text(yaml.safe_dump(content))
        return path

    return write
