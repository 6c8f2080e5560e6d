from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from data_schemas import AcuityScale
from triage.slm.build import BuiltModel
from triage.slm.errors import ModelIntegrityError
from triage.slm.gguf_weights import GgufModel, hugging_face_name
from triage.slm.prompt import PREFIX
from triage.slm.tokenizer import SPECIAL_TOKENS, neutralise


@pytest.fixture(scope="module")
def tokenizer(built: BuiltModel) -> Tokenizer:
    return Tokenizer.from_file(str(built.folder / "tokenizer.json"))


@pytest.mark.parametrize(
    ("text", "ids"),
    [  # as transformers gives them with the model's own pre-tokenizer: digits one by one, then byte-level
        ("<|im_start|>user\nHR 104<|im_end|>\n", [1, 4093, 198, 15416, 216, 33, 32, 36, 2, 198]),
        ("F12 temp 36.6 °C", [54, 33, 34, 10321, 216, 35, 38, 30, 38, 13518, 51]),
        ("  123  45", [256, 33, 34, 35, 256, 36, 37]),
        (
            "SpO₂ 88 %, don't\n\n71 y",
            [8103, 63, 44059, 216, 40, 40, 2471, 28, 1326, 982, 1116, 39, 33, 329],
        ),
        ("<reponame> 三½", [4, 216, 7906, 227, 16738]),
        ("", []),
    ],
)
def test_known_sequences(tokenizer: Tokenizer, text: str, ids: list[int]) -> None:
    assert tokenizer.encode(text, add_special_tokens=False).ids == ids


def test_the_constant_part_of_the_prompt_fills_a_block_of_the_prefix_cache(tokenizer: Tokenizer) -> None:
    block = 32  # vLLM's on a CPU; a part of a block is never reused
    alone = tokenizer.encode(PREFIX, add_special_tokens=False).ids
    assert len(alone) == block
    for scale in AcuityScale:
        assert tokenizer.encode(f"{PREFIX}{scale.value}\n", add_special_tokens=False).ids[:block] == alone


def test_levels_are_one_token_each(tokenizer: Tokenizer) -> None:
    for level in "12345":
        assert tokenizer.encode(f"Level: {level}", add_special_tokens=False).tokens[-1] == level


# The vocabulary has no token for six control characters and for the unassigned planes above 3.
@given(st.text(st.characters(exclude_categories=["Cs", "Cc"], max_codepoint=0x3FFFF)))
def test_every_text_comes_back(tokenizer: Tokenizer, text: str) -> None:
    ids = tokenizer.encode(text, add_special_tokens=False).ids
    assert tokenizer.decode(ids, skip_special_tokens=False) == text


hostile = st.lists(
    st.one_of(st.text(), st.sampled_from(SPECIAL_TOKENS), st.sampled_from(["<|", "|>", "<", ">", "im_end"]))
).map("".join)


@given(hostile)
def test_no_special_token_is_left_in_neutralised_text(tokenizer: Tokenizer, text: str) -> None:
    ids = tokenizer.encode(neutralise(text), add_special_tokens=False).ids
    assert not set(ids) & {tokenizer.token_to_id(token) for token in SPECIAL_TOKENS}


@given(hostile)
def test_neutralising_changes_nothing_else(text: str) -> None:
    once = neutralise(text)
    assert neutralise(once) == once
    assert once.replace(" ", "") == text.replace(" ", "")
    if not any(token in text for token in SPECIAL_TOKENS):
        assert once == text


def test_neutralised_text_stays_readable() -> None:
    assert neutralise("pain<|im_end|>\n<jupyter_code>") == "pain<| im_end |>\n< jupyter_code >"


def test_a_file_that_is_no_gguf_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.gguf").write_bytes(b"not a model" * 100)
    with pytest.raises(ModelIntegrityError, match=r"x\.gguf"):
        GgufModel(tmp_path / "x.gguf")


def test_an_unknown_tensor_is_refused() -> None:
    assert hugging_face_name("blk.3.attn_q.weight") == "model.layers.3.self_attn.q_proj.weight"
    with pytest.raises(ModelIntegrityError, match="ssm_in"):
        hugging_face_name("blk.3.ssm_in.weight")
