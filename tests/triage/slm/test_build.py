"""A real build with a random LoRA, compared with what transformers and peft computed once."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer

from triage.slm.build import BuiltModel, check_built, ensure_built
from triage.slm.errors import ModelIntegrityError, ModelMissingError
from triage.slm.runtime import Decoder

TEXT = (
    "<|im_start|>user\nF1 age 71 y\nF2 heart rate 104 /min\nF3 chest pain<|im_end|>\n"
    "<|im_start|>assistant\nLevel: "
)
# transformers 5.19.0 and peft 0.21.2 in float32: token, logit of the base, logit with the adapter of
# conftest.write_lora. The digits 1 to 5, and the tokens that the adapter moves most.
REFERENCE = [
    (33, 26.09966, 26.07189),
    (34, 25.35273, 25.28887),
    (35, 25.1147, 25.08785),
    (36, 24.89676, 24.9852),
    (37, 24.53359, 24.58688),
    (45613, -0.710, 0.787),
    (40470, 2.446, 3.899),
    (4465, 6.963, 8.368),
    (42600, 3.603, 4.974),
    (35058, 6.093, 7.430),
    (29951, 3.478, 4.792),
    (19463, 7.527, 8.834),
]


@pytest.fixture(scope="module")
def with_lora(
    gguf: Path, lora_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[BuiltModel]:
    return ensure_built(gguf, lora_folder, cache=tmp_path_factory.mktemp("cache"))


def logits(model: BuiltModel) -> np.ndarray:
    decoder = Decoder(model.folder / "model.xml", model.folder / "embeddings.npy", threads=2)
    tokenizer = Tokenizer.from_file(str(model.folder / "tokenizer.json"))
    hidden = decoder.feed([tokenizer.encode(TEXT, add_special_tokens=False).ids])[0]
    return decoder.scores(hidden, np.array([token for token, _, _ in REFERENCE]))


def test_base_and_merged_lora_agree_with_transformers_and_peft(
    built: BuiltModel, with_lora: BuiltModel
) -> None:
    # int8 moves a logit, relative to the first, by less than 0.25 here; the wrong row order of queries and
    # keys, or a lost adapter, moves some by more than 1.
    base, lora = (np.array([row[column] for row in REFERENCE]) for column in (1, 2))
    np.testing.assert_allclose(relative(logits(built)), relative(base), atol=0.25)
    np.testing.assert_allclose(relative(logits(with_lora)), relative(lora), atol=0.25)
    assert np.abs(relative(lora) - relative(base)).max() > 1


def relative(values: np.ndarray) -> np.ndarray:
    return values - values[0]


def test_the_source_is_recorded(with_lora: BuiltModel, built: BuiltModel) -> None:
    assert with_lora.source.adapter == "random"
    assert with_lora.source.adapter_sha256 is not None
    assert with_lora.source.key != built.source.key
    assert built.source.adapter is None


def test_damage_is_found(with_lora: BuiltModel) -> None:
    folder, source = with_lora.folder, with_lora.source
    check_built(folder, source)
    for name in ("model.bin", "embeddings.npy", "tokenizer.json"):
        path = folder / name
        with path.open("r+b") as file:
            file.seek(1000)
            before = file.read(1)
            file.seek(1000)
            file.write(bytes([before[0] ^ 1]))
        with pytest.raises(ModelIntegrityError, match=f"{name} of the built model is damaged: delete"):
            check_built(folder, source)
        with path.open("r+b") as file:
            file.seek(1000)
            file.write(before)
    check_built(folder, source)


@pytest.mark.parametrize("damage", ["cut", "other", "gone"])
def test_a_damaged_manifest_is_found(with_lora: BuiltModel, damage: str) -> None:
    path = with_lora.folder / "manifest.json"
    original = path.read_text()
    try:
        if damage == "cut":
            path.write_text(original[:-30])
        elif damage == "other":
            manifest = json.loads(original)
            manifest["source"]["precision"] = "f32"
            path.write_text(json.dumps(manifest))
        else:
            path.unlink()
        with pytest.raises(ModelIntegrityError, match="built again"):
            check_built(with_lora.folder, with_lora.source)
    finally:
        path.write_text(original)


def test_a_missing_gguf_names_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(ModelMissingError, match="triage model fetch"):
        ensure_built(tmp_path / "none.gguf")
