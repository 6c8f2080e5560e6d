"""The llama decoder as an OpenVINO graph, written node by node from plain weights.

Inputs (``B`` rows, ``S`` new tokens, ``T`` tokens kept so far plus ``S``):

- ``embeddings`` f32 ``[B, S, hidden]``; shorter rows are padded at the end, where causality hides the padding
- ``positions`` i64 ``[S]``, the same for every row
- ``mask`` f32 ``[1, 1, S, T]``, 0 where a token may look and a large negative number where it may not
- ``last`` i64 ``[B]``, the row's last real token: only there the last layer and the norm are computed
- ``beam_idx`` i32 ``[B]``, which kept row each row continues; all zero lets one prefix serve every row

Output ``hidden`` f32 ``[B, hidden]``, to be multiplied with the embeddings of the tokens that are possible:
a grammar leaves a few of 49,152, and the whole output head is a fifth of the weights read for one token.
Keys and values are kept as state, two variables a layer.
"""

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import openvino as ov
from numpy.typing import NDArray
from openvino import opset13 as ops
from openvino.op import assign, read_value
from openvino.op.util import Variable, VariableInfo

from triage.slm.gguf_weights import FloatArray, LlamaShape

Node = Any  # openvino ships no types
Precision = Literal["f32", "int8"]

MAX_POSITIONS = 2048
"""Longest prompt and answer together, in tokens."""

MASKED = -3.4e38
"""Added to the score of a token that may not be looked at."""

_GROUP = 64  # columns that share one int8 scale


def build_graph(shape: LlamaShape, weights: Mapping[str, FloatArray], precision: Precision) -> Any:
    """The decoder as an ``openvino.Model``; ``precision`` is that of the stored matrices.

    The arithmetic is float32 in both; ``int8`` rounds each group of 64 weights to 255 steps.
    """
    return _Decoder(shape, weights, precision).model()


class _Decoder:
    def __init__(self, shape: LlamaShape, weights: Mapping[str, FloatArray], precision: Precision) -> None:
        self.shape = shape
        self.weights = weights
        self.precision = precision
        self.sinks: list[Node] = []
        self.variables: list[Variable] = []

    def model(self) -> Any:
        embeddings = ops.parameter([-1, -1, self.shape.hidden], np.float32, name="embeddings")
        positions = ops.parameter([-1], np.int64, name="positions")
        mask = ops.parameter([1, 1, -1, -1], np.float32, name="mask")
        last = ops.parameter([-1], np.int64, name="last")
        beam = ops.parameter([-1], np.int32, name="beam_idx")
        for parameter in (embeddings, positions, mask, last, beam):
            parameter.output(0).get_tensor().set_names({parameter.get_friendly_name()})
        cos, sin = _rotary_tables(self.shape, MAX_POSITIONS)
        self.cos = ops.unsqueeze(ops.unsqueeze(ops.gather(cos, positions, _i64(0)), _i64(0)), _i64(0))
        self.sin = ops.unsqueeze(ops.unsqueeze(ops.gather(sin, positions, _i64(0)), _i64(0)), _i64(0))
        self.mask, self.beam = mask, beam
        self.batch = ops.gather(ops.shape_of(embeddings, "i64"), _i64([0]), _i64(0))

        hidden = embeddings
        for layer in range(self.shape.layers):
            hidden = self.layer(hidden, layer, last if layer == self.shape.layers - 1 else None)
        hidden = ops.squeeze(self.norm(hidden, "model.norm.weight"), _i64(1))
        hidden.output(0).get_tensor().set_names({"hidden"})
        inputs = [embeddings, positions, mask, last, beam]
        return ov.Model([ops.result(hidden)], self.sinks, inputs, self.variables, "llama")

    def layer(self, hidden: Node, index: int, only: Node | None) -> Node:
        """One layer; behind its attention only the tokens at ``only``, where given."""
        name = f"model.layers.{index}"
        shape = self.shape
        normed = self.norm(hidden, f"{name}.input_layernorm.weight")
        kv = shape.kv_heads * shape.head_dim
        qkv = self.linear(normed, *(f"{name}.self_attn.{part}_proj.weight" for part in "qkv"))
        q, k, v = ops.variadic_split(qkv, _i64(-1), _i64([shape.hidden, kv, kv])).outputs()
        q = self.rotate(self.heads(q, shape.heads))
        k = self.cached(self.rotate(self.heads(k, shape.kv_heads)), f"{index}.key")
        v = self.cached(self.heads(v, shape.kv_heads), f"{index}.value")
        attended = ops.scaled_dot_product_attention(
            q, self.repeated(k), self.repeated(v), self.mask, causal=False
        )
        attended = ops.reshape(ops.transpose(attended, _i64([0, 2, 1, 3])), _i64([0, 0, shape.hidden]), True)
        if only is not None:
            at = ops.unsqueeze(only, _i64(1))
            hidden = ops.gather(hidden, at, _i64(1), batch_dims=1)
            attended = ops.gather(attended, at, _i64(1), batch_dims=1)
        hidden = ops.add(hidden, self.linear(attended, f"{name}.self_attn.o_proj.weight"))
        normed = self.norm(hidden, f"{name}.post_attention_layernorm.weight")
        gate = self.linear(normed, f"{name}.mlp.gate_proj.weight")
        up = self.linear(normed, f"{name}.mlp.up_proj.weight")
        inner = ops.multiply(ops.swish(gate), up)
        return ops.add(hidden, self.linear(inner, f"{name}.mlp.down_proj.weight"))

    def heads(self, flat: Node, count: int) -> Node:
        split = ops.reshape(flat, _i64([0, 0, count, self.shape.head_dim]), True)
        return ops.transpose(split, _i64([0, 2, 1, 3]))

    def rotate(self, x: Node) -> Node:
        """Rotary positions in the halves layout: ``x cos + (-second, first) sin``."""
        half = self.shape.head_dim // 2
        first = ops.slice(x, _i64([0]), _i64([half]), _i64([1]), _i64([3]))
        second = ops.slice(x, _i64([half]), _i64([2**31 - 1]), _i64([1]), _i64([3]))
        turned = ops.concat([ops.multiply(second, _f32([[[[-1.0]]]])), first], -1)
        return ops.add(ops.multiply(x, self.cos), ops.multiply(turned, self.sin))

    def cached(self, new: Node, name: str) -> Node:
        info = VariableInfo()
        info.data_shape = ov.PartialShape([-1, self.shape.kv_heads, -1, self.shape.head_dim])
        info.data_type = ov.Type.f32
        info.variable_id = name
        variable = Variable(info)
        empty = ops.concat(
            [self.batch, _i64([self.shape.kv_heads]), _i64([0]), _i64([self.shape.head_dim])], 0
        )
        kept = read_value(ops.broadcast(_f32(0.0), empty), variable)
        joined = ops.concat([ops.gather(kept, self.beam, _i64(0)), new], 2)
        self.variables.append(variable)
        self.sinks.append(assign(joined, variable))
        return joined

    def repeated(self, kept: Node) -> Node:
        """Each key-value head serves a group of query heads."""
        s = self.shape
        group = s.heads // s.kv_heads
        wide = ops.broadcast(
            ops.unsqueeze(kept, _i64(2)), _i64([1, 1, group, 1, 1]), broadcast_spec="BIDIRECTIONAL"
        )
        return ops.reshape(wide, _i64([0, s.heads, -1, s.head_dim]), True)

    def norm(self, x: Node, name: str) -> Node:
        mean = ops.reduce_mean(ops.power(x, _f32([[[2.0]]])), _i64([-1]), True)
        scale = ops.divide(_f32([[[1.0]]]), ops.sqrt(ops.add(mean, _f32([[[self.shape.norm_epsilon]]]))))
        return ops.multiply(ops.multiply(x, scale), _f32(self.weights[name].reshape(1, 1, -1)))

    def linear(self, x: Node, *names: str) -> Node:
        return ops.matmul(x, self.matrix(*names), False, True)

    def matrix(self, *names: str) -> Node:
        weight = np.concatenate([self.weights[name] for name in names])
        if self.precision == "f32":
            return _f32(weight)
        rows, columns = weight.shape
        steps, scale = quantise(weight, _GROUP)
        stored = ops.convert(ops.constant(steps), np.float32)
        return ops.reshape(ops.multiply(stored, _f32(scale)), _i64([rows, columns]), False)


def quantise(weight: FloatArray, group: int) -> tuple[NDArray[np.int8], FloatArray]:
    """Symmetric int8 steps ``[rows, columns / group, group]`` and their scales ``[rows, columns / group, 1]``."""
    rows, columns = weight.shape
    grouped = weight.reshape(rows, columns // group, group)
    scale = np.abs(grouped).max(axis=2, keepdims=True) / np.float32(127)
    scale[scale == 0] = 1
    return np.rint(grouped / scale).astype(np.int8), scale


def _rotary_tables(shape: LlamaShape, positions: int) -> tuple[Node, Node]:
    """Cosine and sine ``[positions, head_dim]``, computed here so that every machine uses the same numbers."""
    half = np.arange(0, shape.head_dim, 2, dtype=np.float64) / shape.head_dim
    angles = np.outer(np.arange(positions, dtype=np.float64), shape.rope_theta**-half)
    both = np.concatenate([angles, angles], axis=1)
    return _f32(np.cos(both)), _f32(np.sin(both))


def _i64(values: Any) -> Node:
    return ops.constant(np.asarray(values, dtype=np.int64))


def _f32(values: Any) -> Node:
    return ops.constant(np.asarray(values, dtype=np.float32))
