"""Which adapter is in force, while agents run: a file that the command line writes and every agent looks at.

No patient data is in it. It belongs to the data folder, so that all processes of a site see the same.
"""

import fcntl
import hashlib
import hmac
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from pydantic import Field, ValidationError

from data_schemas._base import Frozen
from triage.slm.errors import EngineError

_KEPT = 20


class RoutingError(EngineError):
    """It cannot be told which adapter is to answer; nobody guesses, and the patient gets the rules alone."""


class Canary(Frozen):
    """``share`` of the patients are answered by ``adapter`` (``NAME@SHA256``)."""

    adapter: str
    share: float = Field(gt=0, le=1)


class Slot(Frozen):
    """``now``: what answers, as ``NAME@SHA256``; None is what the settings name. ``before``: what did, oldest first."""

    now: str | None = None
    canary: Canary | None = None
    before: tuple[str | None, ...] = ()


class Switches(Frozen):
    """All of them. ``salt`` is the key of the hash that chooses the canary's patients; it is kept while the file is."""

    salt: str = Field(min_length=64, max_length=64)
    slots: dict[str, Slot] = Field(default_factory=dict)

    def choose(self, slot: str, encounter_key: str) -> str | None:
        """What answers this visit, as ``NAME@SHA256``; None is what the settings name.

        The same visit is given the same answer as long as nobody changes the switches, in every process; with a larger
        share those who met the canary keep it.
        """
        found = self.slots.get(slot, Slot())
        if found.canary is not None and self.fraction(slot, encounter_key) < found.canary.share:
            return found.canary.adapter
        return found.now

    def fraction(self, slot: str, encounter_key: str) -> float:
        """Between 0 and 1, evenly spread over the visits: HMAC-SHA256, so that no visit can be found from it."""
        digest = hmac.digest(bytes.fromhex(self.salt), f"{slot}\0{encounter_key}".encode(), hashlib.sha256)
        return int.from_bytes(digest[:7]) / 2**56


class SwitchFile:
    """The file; read again whenever it was replaced."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int, int] | None = None
        self._read: Switches | None = None

    def read(self) -> Switches | None:
        """What is in force; None where nobody ever switched.

        Raises:
            RoutingError: the file cannot be read.
        """
        try:
            stat = self._path.stat()
            seen = (stat.st_mtime_ns, stat.st_ino, stat.st_size)
            if seen != self._seen:
                self._read = Switches.model_validate_json(self._path.read_bytes())
                bytes.fromhex(self._read.salt)
                self._seen = seen
        except FileNotFoundError:
            self._seen = self._read = None
        except (OSError, ValidationError, ValueError):
            self._seen = None
            raise RoutingError(
                f"{self._path} cannot be read: delete it to go back to the configured adapters, and switch again"
            ) from None
        return self._read

    def switch(self, slot: str, adapter: str) -> None:
        """From now on ``adapter`` (``NAME@SHA256``) answers; a canary in this slot ends.

        Raises:
            RoutingError: the file cannot be read.
        """

        def change(found: Slot) -> Slot:
            if found.now == adapter and found.canary is None:
                return found
            return Slot(now=adapter, before=(*found.before, found.now)[-_KEPT:])

        self._change(slot, change)

    def canary(self, slot: str, adapter: str, share: float) -> None:
        """From now on ``share`` of the visits are answered by ``adapter``.

        Raises:
            RoutingError: the file cannot be read.
        """
        self._change(
            slot,
            lambda found: found.model_copy(update={"canary": Canary(adapter=adapter, share=share)}),
        )

    def roll_back(self, slot: str) -> Slot:
        """End the canary; where there is none, go back to what answered before.

        Raises:
            RoutingError: there is nothing to go back to, or the file cannot be read.
        """

        def change(found: Slot) -> Slot:
            if found.canary is not None:
                return found.model_copy(update={"canary": None})
            if not found.before:
                raise RoutingError(f"nothing answered before in {slot}: there is nothing to go back to")
            return Slot(now=found.before[-1], before=found.before[:-1])

        return self._change(slot, change)

    def _change(self, slot: str, change: Callable[[Slot], Slot]) -> Slot:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self._path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            now = self.read() or Switches(salt=secrets.token_hex(32))
            changed = change(now.slots.get(slot, Slot()))
            content = now.model_copy(update={"slots": {**now.slots, slot: changed}}).model_dump_json(indent=1)
            scratch = self._path.with_suffix(".new")
            scratch.unlink(missing_ok=True)
            with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            scratch.replace(self._path)
        return changed
