"""Merging into stored weights: each type, whole and split files, and what is refused."""

import json
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.slm.adapter import LoraAdapter
from triage.slm.errors import ModelIntegrityError
from triage.slm.serving.weights import _rounded_bfloat16, merge_in_place

CHANGED, KEPT = "model.layers.0.self_attn.q_proj.weight", "model.norm.weight"
ROWS, COLUMNS = 24, 16


def write(path, tensors):
    """Plain safetensors: ``{name: (kind, shape, bytes)}``."""
    header, data = {"__metadata__": {"format": "pt"}}, b""
    for name, (kind, shape, raw) in tensors.items():
        header[name] = {
            "dtype": kind,
            "shape": list(shape),
            "data_offsets": [len(data), len(data) + len(raw)],
        }
        data += raw
    head = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(head)) + head + data)


def stored(path, name):
    raw = path.read_bytes()
    (length,) = struct.unpack("<Q", raw[:8])
    start, end = json.loads(raw[8 : 8 + length])[name]["data_offsets"]
    return raw[8 + length + start : 8 + length + end]


@pytest.fixture
def base():
    return np.random.default_rng(3).normal(0, 1, (ROWS, COLUMNS)).astype(np.float32)


def added(lora):
    _, weight = next(iter(lora.merge(iter([(CHANGED, np.zeros((ROWS, COLUMNS), np.float32))]))))
    return weight


def test_bfloat16_is_summed_in_float32_and_rounded_once(tmp_path, tiny_lora, base):
    lora = LoraAdapter(tiny_lora)
    raw = _rounded_bfloat16(base).tobytes()
    write(tmp_path / "a.safetensors", {CHANGED: ("BF16", base.shape, raw), KEPT: ("BF16", (2,), b"abcd")})
    merge_in_place(tmp_path, lora)
    wide = (np.frombuffer(raw, "<u2").astype(np.uint32) << 16).view(np.float32).reshape(base.shape)
    assert stored(tmp_path / "a.safetensors", CHANGED) == _rounded_bfloat16(wide + added(lora)).tobytes()
    assert stored(tmp_path / "a.safetensors", KEPT) == b"abcd"


def test_float16_keeps_its_type(tmp_path, tiny_lora, base):
    lora = LoraAdapter(tiny_lora)
    half = base.astype("<f2")
    write(tmp_path / "a.safetensors", {CHANGED: ("F16", base.shape, half.tobytes())})
    merge_in_place(tmp_path, lora)
    expected = (half.astype(np.float32) + added(lora)).astype("<f2").tobytes()
    assert stored(tmp_path / "a.safetensors", CHANGED) == expected


def test_the_weight_may_lie_in_any_of_several_files(tmp_path, tiny_lora, base):
    write(tmp_path / "model-1.safetensors", {KEPT: ("F32", (1,), b"abcd")})
    write(tmp_path / "model-2.safetensors", {CHANGED: ("F32", base.shape, base.tobytes())})
    lora = LoraAdapter(tiny_lora)
    merge_in_place(tmp_path, lora)
    assert stored(tmp_path / "model-2.safetensors", CHANGED) == (base + added(lora)).tobytes()
    assert stored(tmp_path / "model-1.safetensors", KEPT) == b"abcd"


def test_an_adapter_for_another_model_is_refused(tmp_path, tiny_lora):
    write(tmp_path / "a.safetensors", {KEPT: ("F32", (1,), b"abcd")})
    with pytest.raises(ModelIntegrityError, match=f"changes {CHANGED}, which the model does not have"):
        merge_in_place(tmp_path, LoraAdapter(tiny_lora))


def test_quantised_weights_are_refused_with_the_way_out(tmp_path, tiny_lora):
    write(tmp_path / "a.safetensors", {CHANGED: ("I8", (ROWS, COLUMNS), b"x" * (ROWS * COLUMNS))})
    with pytest.raises(ModelIntegrityError, match="--lora"):
        merge_in_place(tmp_path, LoraAdapter(tiny_lora))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"short",
        struct.pack("<Q", 10**9) + b"{}",
        struct.pack("<Q", 2) + b"[]",
        struct.pack("<Q", 8) + b'{"a": 1}',
    ],
)
def test_a_broken_file_is_named(content, tmp_path, tiny_lora):
    (tmp_path / "broken.safetensors").write_bytes(content)
    with pytest.raises(ModelIntegrityError, match=r"broken\.safetensors"):
        merge_in_place(tmp_path, LoraAdapter(tiny_lora))


@given(st.floats(width=32, allow_nan=False, allow_infinity=False, min_value=-(2.0**100), max_value=2.0**100))
def test_rounding_takes_the_nearest_bfloat16_and_the_even_one_of_two(value):
    def exact(bits):
        return float((np.array([bits], np.uint32) << 16).view(np.float32)[0])

    (rounded,) = _rounded_bfloat16(np.array([value], np.float32))
    distance = abs(exact(int(rounded)) - value)
    for neighbour in (int(rounded) - 1, int(rounded) + 1):
        if 0 <= neighbour <= 0xFFFF and np.isfinite(exact(neighbour)):
            other = abs(exact(neighbour) - value)
            assert distance < other or (distance == other and int(rounded) % 2 == 0) or value == 0
