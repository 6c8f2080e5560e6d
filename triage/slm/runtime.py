"""One compiled decoder: feed tokens, score those that may follow, keep and restore what it remembers."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
from numpy.typing import NDArray

from triage.slm.errors import EngineError
from triage.slm.gguf_weights import FloatArray
from triage.slm.graph import MASKED, MAX_POSITIONS

# Plain float32 arithmetic everywhere, and no rounding of activations or of kept keys and values: the
# answer to a question must not depend on what was asked beside it. Rounded activations are faster and
# move a logit by up to 0.6 between batch sizes (docs/decisions/0002-embedded-engine.md).
_REPEATABLE = {
    "INFERENCE_PRECISION_HINT": "f32",
    "EXECUTION_MODE_HINT": "ACCURACY",
    "DYNAMIC_QUANTIZATION_GROUP_SIZE": 0,
    "KV_CACHE_PRECISION": "f32",
    "NUM_STREAMS": 1,
    "PERFORMANCE_HINT": "LATENCY",
}

_FEW = 4096


@dataclass(frozen=True, slots=True)
class KeptState:
    """Keys and values of tokens already read: one array ``[1, kv_heads, tokens, head_dim]`` a variable."""

    tokens: tuple[int, ...]
    arrays: tuple[NDArray[np.float32], ...]

    def first(self, count: int) -> "KeptState":
        """Only the first ``count`` tokens, which do not depend on the later ones."""
        if count == len(self.tokens):
            return self
        return KeptState(
            self.tokens[:count], tuple(np.ascontiguousarray(array[:, :, :count]) for array in self.arrays)
        )


class Decoder:
    """Not thread-safe: one thread feeds it.

    Args:
        graph: the ``.xml`` of a built model.
        embeddings: its ``.npy``, float32 ``[vocabulary, hidden]``; mapped, so only rows in use take memory.
        threads: how many cores one forward pass uses. Another number gives other last bits.
    """

    def __init__(self, graph: Path, embeddings: Path, threads: int) -> None:
        self._embeddings: FloatArray = np.load(embeddings, mmap_mode="r", allow_pickle=False)
        core = ov.Core()
        self._compiled = core.compile_model(graph, "CPU", {**_REPEATABLE, "INFERENCE_NUM_THREADS": threads})
        self._request: Any = self._compiled.create_infer_request()
        self._variables = {variable.name: variable for variable in self._request.query_state()}
        self._names = sorted(self._variables)
        self._length = 0

    @property
    def length(self) -> int:
        """Tokens read so far, in each row."""
        return self._length

    def reset(self) -> None:
        """Forget everything."""
        self._request.reset_state()
        self._length = 0

    def keep(self, tokens: Sequence[int]) -> KeptState:
        """A copy of what the decoder remembers after exactly these tokens, in one row."""
        arrays = tuple(np.array(self._variables[name].state.data) for name in self._names)
        return KeptState(tuple(tokens), arrays)

    def restore(self, kept: KeptState) -> None:
        """Go on from there."""
        if not kept.tokens:
            self.reset()
            return
        for name, array in zip(self._names, kept.arrays, strict=True):
            self._variables[name].state = ov.Tensor(array)
        self._length = len(kept.tokens)

    def scores(self, hidden: FloatArray, tokens: NDArray[np.intp]) -> NDArray[np.float64]:
        """The logits of these tokens, given ``feed``'s ``[hidden]`` of one row."""
        if tokens.size > _FEW:
            return np.asarray((self._embeddings @ hidden)[tokens], dtype=np.float64)
        # Not a BLAS call: its last bits would change with the number of tokens and of threads.
        return np.asarray((self._embeddings[tokens] * hidden.astype(np.float64)).sum(axis=1))

    def feed(self, rows: Sequence[Sequence[int]]) -> FloatArray:
        """Read one more piece of each row; the state after each row's last token, ``[rows, hidden]``.

        After ``restore`` every row continues the same kept state. Rows of unequal length are allowed only in
        the last call before the next ``restore`` or ``reset``: the shorter ones are padded.

        Raises:
            EngineError: longer than the model's positions.
        """
        count, longest = len(rows), max(len(row) for row in rows)
        total = self._length + longest
        if total > MAX_POSITIONS:
            raise EngineError(
                f"{total} tokens are more than the {MAX_POSITIONS} the model reads: shorten the text"
            )
        ids = np.zeros((count, longest), dtype=np.int64)
        for index, row in enumerate(rows):
            ids[index, : len(row)] = row
        positions = np.arange(self._length, total, dtype=np.int64)
        mask = np.where(np.arange(total)[None, :] <= positions[:, None], np.float32(0), np.float32(MASKED))
        self._request.infer(
            {
                "embeddings": self._embeddings[ids],
                "positions": positions,
                "mask": mask[None, None],
                "last": np.array([len(row) - 1 for row in rows], dtype=np.int64),
                "beam_idx": np.zeros(count, dtype=np.int32),
            }
        )
        self._length = total
        return np.array(self._request.get_tensor("hidden").data)
