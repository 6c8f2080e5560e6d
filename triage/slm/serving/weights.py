"""An adapter merged into weights that lie in a folder in Hugging Face format: in place, with numpy, tensor by tensor.

A merged tensor keeps its type and shape, so the file's header and all other bytes stay as they are, and a model larger
than the memory can be merged. numpy knows no bfloat16: it is the upper half of a float32, and is read and rounded here.
"""

import json
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from triage.slm.adapter import LoraAdapter
from triage.slm.errors import ModelIntegrityError
from triage.slm.gguf_weights import FloatArray

_ITEM_BYTES = {"F32": 4, "F16": 2, "BF16": 2}


@dataclass(frozen=True, slots=True)
class _Slot:
    """Where one tensor's bytes lie."""

    path: Path
    kind: str
    shape: tuple[int, ...]
    start: int
    end: int


def merge_in_place(folder: Path, lora: LoraAdapter) -> None:
    """Add the adapter to the ``*.safetensors`` files of ``folder``: work on a copy.

    The sum is made in float32 and rounded once, to the type that the file stores.

    Raises:
        ModelIntegrityError: a file is no safetensors, or quantised, or lacks a weight that the adapter changes.
    """
    slots = {name: slot for path in sorted(folder.glob("*.safetensors")) for name, slot in _slots(path)}
    wanted = {name: slots[name] for name in sorted(lora.changes) if name in slots}

    def stored() -> Iterator[tuple[str, FloatArray]]:
        for name, slot in wanted.items():
            yield name, _read(name, slot)

    for name, merged in lora.merge(stored()):
        _write(wanted[name], merged)


def stored_type(folder: Path) -> str:
    """The type of most weights, as safetensors names it: F32, F16, BF16, or a quantised one."""
    counts: dict[str, int] = {}
    for path in sorted(folder.glob("*.safetensors")):
        for _, slot in _slots(path):
            counts[slot.kind] = counts.get(slot.kind, 0) + slot.end - slot.start
    if not counts:
        raise ModelIntegrityError(f"{folder} holds no *.safetensors")
    return max(counts, key=lambda kind: counts[kind])


def _slots(path: Path) -> Iterator[tuple[str, _Slot]]:
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > path.stat().st_size:
                raise ValueError("header longer than the file")
            header: Mapping[str, dict[str, object]] = json.loads(file.read(length))
        for name, entry in header.items():
            if name != "__metadata__":
                yield name, _slot(path, entry, 8 + length)
    except (ValueError, KeyError, TypeError, AttributeError, struct.error) as error:
        raise ModelIntegrityError(f"{path.name} is not a readable safetensors file") from error


def _slot(path: Path, entry: Mapping[str, object], data: int) -> _Slot:
    offsets, shape = entry["data_offsets"], entry["shape"]
    if not isinstance(offsets, list) or not isinstance(shape, list):
        raise TypeError("a tensor without place or shape")
    start, end = offsets
    return _Slot(path, str(entry["dtype"]), tuple(shape), data + int(start), data + int(end))


def _read(name: str, slot: _Slot) -> FloatArray:
    size = _ITEM_BYTES.get(slot.kind)
    if size is None or slot.end - slot.start != size * int(np.prod(slot.shape)):
        raise ModelIntegrityError(
            f"{name} is stored as {slot.kind}: an adapter is merged into F32, F16 or BF16 only; "
            "keep it beside the weights with --lora"
        )
    raw = _bytes(slot, "r").tobytes()
    if slot.kind == "BF16":
        wide = np.frombuffer(raw, dtype="<u2").astype(np.uint32) << 16
        return wide.view(np.float32).reshape(slot.shape)
    kind = "<f4" if slot.kind == "F32" else "<f2"
    return np.frombuffer(raw, dtype=kind).astype(np.float32).reshape(slot.shape)


def _write(slot: _Slot, values: FloatArray) -> None:
    plain = {"F32": "<f4", "F16": "<f2"}
    stored = values.astype(plain[slot.kind]) if slot.kind in plain else _rounded_bfloat16(values)
    target = _bytes(slot, "r+")
    target[:] = np.frombuffer(stored.tobytes(), dtype=np.uint8)


def _bytes(slot: _Slot, mode: Literal["r", "r+"]) -> NDArray[np.uint8]:
    length = slot.end - slot.start
    return np.memmap(slot.path, dtype=np.uint8, mode=mode, offset=slot.start, shape=(length,))


def _rounded_bfloat16(values: FloatArray) -> NDArray[np.uint16]:
    """To the nearest, ties to even, as hardware and torch round; the values are finite."""
    bits = np.ascontiguousarray(values, dtype="<f4").view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype("<u2")
