"""One resource brought to the state we want, whatever breaks on the way.

Look, judge, write, look again. A write whose outcome is unknown is never repeated before looking, and where the
server could still be busy with it and would not notice a second one, it is not repeated at all: UNKNOWN.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from data_schemas import WriteReceipt, WriteState
from integrations.fhir.client import FhirClient, Stored
from integrations.fhir.errors import (
    FhirAuthError,
    FhirConflictError,
    FhirError,
    FhirInvalidError,
    FhirNotFoundError,
    FhirRefusedError,
)
from integrations.fhir.validation import validate_outbound

log = logging.getLogger(__name__)

_TURNS = 4


@dataclass(frozen=True)
class Done:
    """The server holds what we want; confirm it."""

    stored: Stored
    detail: str | None = None


@dataclass(frozen=True)
class Conflict:
    """The server holds something that is not ours to overwrite; ``level`` where it is a signed level."""

    detail: str
    stored: Stored | None = None
    level: int | None = None


@dataclass(frozen=True)
class Skip:
    """There is nothing to write here, and that is no failure."""

    detail: str | None = None


@dataclass(frozen=True)
class Create:
    """Create ``resource``. With ``if_none_exist`` the server itself refuses a second one."""

    resource: dict[str, Any]
    if_none_exist: str | None


@dataclass(frozen=True)
class Update:
    """Replace with ``resource`` where ``version`` is still current. ``guarded``: the server checks that."""

    resource: dict[str, Any]
    version: str | None
    guarded: bool


Verdict = Done | Conflict | Skip | Create | Update


class Step(Protocol):
    """One resource to bring about."""

    @property
    def resource_type(self) -> str:
        """Its type."""

    async def look(self) -> Sequence[Stored]:
        """What the server holds of it now. Raises FhirError."""

    def judge(self, found: Sequence[Stored]) -> Verdict:
        """What follows from that."""

    def differs(self, body: Mapping[str, Any]) -> str | None:
        """What is wrong with the resource as read back, or None where it says what we wanted."""


@dataclass(frozen=True)
class Settled:
    """How a step ended.

    ``receipt`` is None where there was nothing to write; ``note`` then says why. ``stored`` is the resource as
    read back, where it was.
    """

    receipt: WriteReceipt | None
    note: str | None = None
    stored: Stored | None = None

    @property
    def written(self) -> bool:
        """Whether the server was seen to hold it."""
        return self.receipt is not None and self.receipt.state is WriteState.WRITTEN


async def settle(client: FhirClient, step: Step, *, pause_s: float) -> Settled:
    """Bring ``step`` about; never raises for what the server does.

    ``pause_s`` is how long to leave the server after an unknown outcome before looking again; it doubles.
    """
    run = _Run(client, step)
    for turn in range(_TURNS):
        if turn and run.unknown:
            await asyncio.sleep(pause_s * 2 ** (turn - 1))
        ended = await run.turn()
        if ended is not None:
            if ended.receipt is not None and ended.receipt.state is not WriteState.WRITTEN:
                log.warning("%s: %s", step.resource_type, ended.receipt.state)
            return ended
    return run.gave_up()


class _Run:
    """The turns of one step and what is known between them."""

    def __init__(self, client: FhirClient, step: Step) -> None:
        self._client = client
        self._step = step
        self._last: FhirError | None = None
        self._named: Stored | None = None
        self.unknown = False

    async def turn(self) -> Settled | None:
        try:
            found = await self._step.look()
        except FhirError as error:
            return self._failed(error)
        if not found and self._named is not None:
            found = [self._named]  # The server named it, but its search index lags behind.
        verdict = self._step.judge(found)
        match verdict:
            case Skip(detail):
                return Settled(None, detail)
            case Conflict():
                return self._conflict(verdict, verdict.stored)
            case Done(stored, detail):
                return await self._confirm(stored, detail)
            case Create(_, if_none_exist) if self.unknown and if_none_exist is None:
                return None  # The first one may still arrive: look again, do not send a second one.
            case Update(guarded=False) if self.unknown:
                return None
            case Create() | Update():
                return await self._write(verdict)

    async def _write(self, verdict: Create | Update) -> Settled | None:
        try:
            validate_outbound(verdict.resource)
            if isinstance(verdict, Create):
                stored = await self._client.create(verdict.resource, verdict.if_none_exist)
            else:
                stored = await self._client.update(verdict.resource, verdict.version)
        except FhirConflictError as error:
            self._last = error
            return None
        except FhirError as error:
            if error.unknown_outcome:
                self._last, self.unknown = error, True
                return None
            return self._failed(error)
        if isinstance(verdict, Create):
            if not stored.created:
                self._named = stored  # A conditional create found it there already: judge what is there.
                return None
            return await self._after_create(stored)
        return await self._confirm(stored, None)

    async def _after_create(self, stored: Stored) -> Settled:
        """A server without working conditional creates lets two writers both create; see it at once."""
        try:
            found = {other.id: other for other in await self._step.look()} | {stored.id: stored}
        except FhirError:
            return self._receipt(
                WriteState.UNKNOWN, stored, "accepted by the server, but could not be read back"
            )
        if len(found) > 1:
            verdict = self._step.judge(list(found.values()))
            if isinstance(verdict, Conflict):
                return self._conflict(verdict, verdict.stored or stored)
        return await self._confirm(stored, None)

    async def _confirm(self, stored: Stored, detail: str | None) -> Settled:
        try:
            held = await self._client.read(stored.resource_type, stored.id)
        except FhirError:
            return self._receipt(
                WriteState.UNKNOWN, stored, "accepted by the server, but could not be read back"
            )
        wrong = self._step.differs(held.body or {})
        if wrong is not None:
            return self._receipt(WriteState.CONFLICT, held, f"read back, and {wrong}")
        return self._receipt(WriteState.WRITTEN, held, detail)

    def _failed(self, error: FhirError) -> Settled:
        state = WriteState.UNKNOWN if self.unknown else state_of(error)
        return self._receipt(state, None, str(error))

    def gave_up(self) -> Settled:
        if self.unknown:
            return self._receipt(
                WriteState.UNKNOWN, None, f"{self._last}; it is not there yet, look again later"
            )
        return self._receipt(
            WriteState.CONFLICT,
            self._named,
            f"{self._last or 'refused'}; it changes faster than it can be written",
        )

    def _conflict(self, verdict: Conflict, stored: Stored | None) -> Settled:
        said = receipt(self._step.resource_type, WriteState.CONFLICT, verdict.detail, stored)
        return Settled(said.model_copy(update={"held_level": verdict.level}), stored=stored)

    def _receipt(self, state: WriteState, stored: Stored | None, detail: str | None) -> Settled:
        return Settled(receipt(self._step.resource_type, state, detail, stored), stored=stored)


def receipt(
    resource_type: str, state: WriteState, detail: str | None = None, stored: Stored | None = None
) -> WriteReceipt:
    """A receipt for one resource."""
    return WriteReceipt(
        resource_type=resource_type,
        resource_id=stored.id if stored else None,
        version_id=stored.version_id if stored else None,
        state=state,
        detail=detail,
    )


def state_of(error: FhirError) -> WriteState:
    """Nothing was written. What a later attempt may cure is PENDING, what a person has to mend is REFUSED."""
    mendable = FhirAuthError | FhirRefusedError | FhirInvalidError | FhirNotFoundError
    return WriteState.REFUSED if isinstance(error, mendable) else WriteState.PENDING
