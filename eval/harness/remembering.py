"""An engine that is asked each question once: rows over the same model share answers, and a killed run keeps them."""

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path

from triage.slm import Engine, EngineAnswer, EngineIdentity, EngineRequest


class RememberingEngine:
    """Passes on only the questions that are new, and keeps the levels' log-probabilities in ``file``.

    A question is known by the hash of the very prompt and of the model's identity, so that another prompt, adapter or
    quantisation is another question. The file holds hashes and numbers, nothing of a patient.

    ``borrowed``: seconds that the answers taken from memory had cost when they were asked. ``asked``, ``remembered``:
    how many questions went to the model, and how many were known.
    """

    def __init__(self, engine: Engine, file: Path | None = None) -> None:
        self._engine = engine
        self._file = file
        self._whole = False
        self._known: dict[str, EngineAnswer] = _read(file) if file is not None else {}
        self._who = json.dumps(
            [getattr(engine.identity, name) for name in EngineIdentity.__dataclass_fields__], default=str
        )
        self.borrowed = 0.0
        self.asked = 0
        self.remembered = 0

    @property
    def identity(self) -> EngineIdentity:
        """What answers."""
        return self._engine.identity

    async def answer(self, request: EngineRequest) -> EngineAnswer:
        """See ``Engine.answer``; whole answers are always asked."""
        return await self._engine.answer(request)

    async def levels(self, requests: Sequence[EngineRequest]) -> list[EngineAnswer]:
        """See ``Engine.levels``."""
        keys = [self._key(request) for request in requests]
        new = {key: request for key, request in zip(keys, requests, strict=True) if key not in self._known}
        known = {key for key in keys if key in self._known}
        self.remembered += len(known)
        self.borrowed += sum(self._known[key].seconds for key in known)
        if new:
            found = dict(zip(new, await self._engine.levels(list(new.values())), strict=True))
            self.asked += len(new)
            self._known |= found
            self._keep(found)
        return [self._known[key] for key in keys]

    async def close(self) -> None:
        """Release the model."""
        await self._engine.close()

    def _key(self, request: EngineRequest) -> str:
        parts = (self._who, request.prefix, request.prompt, request.lead, request.regex)
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()

    def _keep(self, found: dict[str, EngineAnswer]) -> None:
        if self._file is None:
            return
        self._file.parent.mkdir(parents=True, exist_ok=True)
        lines = [
            json.dumps([key, *one.level_logprobs, one.prompt_tokens, one.answer_tokens, one.seconds])
            for key, one in found.items()
        ]
        with self._file.open("a", encoding="utf-8") as file:
            if file.tell() and not self._whole:
                file.write("\n")  # a run that was killed may have broken a line off
            self._whole = True
            file.write("".join(line + "\n" for line in lines))
            file.flush()
            os.fsync(file.fileno())


def _read(file: Path) -> dict[str, EngineAnswer]:
    found: dict[str, EngineAnswer] = {}
    if not file.exists():
        return found
    for line in file.read_text(encoding="utf-8").splitlines():
        try:
            key, one, two, three, four, five, prompt, answer, seconds = json.loads(line)
        except (ValueError, TypeError):  # half a line, of a run that was killed: that question is asked again
            continue
        found[key] = EngineAnswer("", (one, two, three, four, five), prompt, answer, seconds)
    return found
