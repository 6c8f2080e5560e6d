"""Gives a stored answer again from the stored inputs, and says exactly what is the same and what is not.

The suggestion is made of four parts: what the rules find, what the model answers, which citations stand, and the
suggestion itself. Each is made again from the *stored* inputs of that part, so that one difference does not make
all that follows differ. Only a model that is the stored one, given the very same text, is compared; any other
would answer another question.
"""

import dataclasses
import json
import math
from typing import Any

from langgraph.runtime import Runtime
from sqlalchemy import Connection, select

from agents.context import AgentContext
from agents.errors import ErasedCaseError, NotReadyError, UnknownCaseError
from agents.nodes.reconcile import applicable, belonging, reconcile
from agents.nodes.screen import screen
from agents.nodes.second_look import second_look
from agents.nodes.verify import verify
from agents.ports import AsksSeveral
from agents.provenance import Provenance, provenance, statement_digests
from agents.runner import Runner
from agents.sinks import NoSink
from agents.state import Asked, CaseState, Looked, Run, Screened, Verified
from agents.store.tables import assessments, cases, intake, libraries
from agents.values import CasePhase
from data_schemas import AcuityScale, IntakeRecord, LookVerdict, ModelAnswer, TriageAssessment
from data_schemas._base import Frozen
from triage.slm.errors import EngineError

RULES, MODEL, EVIDENCE, SUGGESTION = "rules", "model", "evidence", "suggestion"
LOOK = "second look"
NOT_RECORDED = "not recorded"
CLOSE = 0.01
"""Probabilities of a served model may differ by this much: its arithmetic depends on what is asked beside it."""


class Change(Frozen):
    """Something the answer was made with that is another one now, or was not recorded."""

    what: str
    stored: str
    now: str


class Difference(Frozen):
    """One value that came out otherwise. Values are JSON; they may quote the patient."""

    part: str
    field: str
    stored: str
    replayed: str


class Replay(Frozen):
    """The verdict on one assessment.

    ``identical``: every part was made again and every value is equal. ``not_replayed`` names each part that could
    not be made again, with the reason; ``notes`` what a reader must know.
    """

    case_id: str
    assessment_id: str
    identical: bool
    replayed: tuple[str, ...]
    not_replayed: dict[str, str]
    differences: tuple[Difference, ...]
    changes: tuple[Change, ...]
    notes: tuple[str, ...] = ()


class _Stored(Frozen):
    record: IntakeRecord
    assessment: TriageAssessment
    answer: ModelAnswer | None
    provenance: Provenance | None
    statements: dict[str, str] | None


async def replay(runner: Runner, case_id: str, assessment_id: str | None = None) -> Replay:
    """Replay the current assessment of a case, or the one named. Nothing is written anywhere.

    Raises:
        UnknownCaseError: there is no such case or assessment, or it was erased (``ErasedCaseError``).
        NotReadyError: it was not assessed yet.
    """
    stored = await runner.context.store.database.read(
        lambda connection: _read(connection, case_id, assessment_id), snapshot=True
    )
    context = dataclasses.replace(
        runner.context,
        sink=NoSink(),
        settings=runner.context.settings.model_copy(update={"scale": stored.assessment.scale}),
    )
    return await _Replayer(context, case_id, stored, runner.context.settings.scale).run()


class _Replayer:
    def __init__(self, context: AgentContext, case_id: str, stored: _Stored, asked_on: AcuityScale) -> None:
        self._context = context
        self._asked_on = asked_on
        self._case_id = case_id
        self._stored = stored
        self._runtime = Runtime(context=context)
        self._done: list[str] = []
        self._failed: dict[str, str] = {}
        self._differences: list[Difference] = []
        self._changes: list[Change] = []
        self._notes: list[str] = []

    async def run(self) -> Replay:
        stored, assessment = self._stored, self._stored.assessment
        self._compare_program()
        state: CaseState = {
            "run": Run(case_id=self._case_id, assessment_id=assessment.id),
            "intake": stored.record,
            "screened": Screened(screening=assessment.screening, seconds=0.0),
            "asked": Asked(answer=stored.answer, failure=assessment.mode_reason, seconds=0.0),
            "looked": Looked(look=assessment.second_look, seconds=0.0),
        }
        tables, configured = assessment.screening.esi_version, self._context.settings.esi_version
        await self._model()
        if tables is configured:
            await self._rules(state)
            await self._look(state)
            await self._suggestion({**state, "verified": await self._evidence(state)})
        else:
            why = f"made with the tables of ESI v{tables.value}, v{configured.value} is configured"
            self._failed |= dict.fromkeys((RULES, EVIDENCE, SUGGESTION), why)
        return Replay(
            case_id=self._case_id,
            assessment_id=assessment.id,
            identical=not self._failed and not self._differences,
            replayed=tuple(self._done),
            not_replayed=self._failed,
            differences=tuple(self._differences),
            changes=tuple(self._changes),
            notes=tuple(self._notes),
        )

    async def _rules(self, state: CaseState) -> None:
        screening = self._stored.assessment.screening
        again = (await screen(state, self._runtime))["screened"].screening
        self._done.append(RULES)
        self._equal(RULES, screening, again)

    async def _look(self, state: CaseState) -> None:
        """Where it was done, and by this very model: what a time-out prevented then says nothing now."""
        stored = self._stored.assessment.second_look
        if MODEL not in self._done or stored is None or stored.verdict is LookVerdict.NOT_DONE:
            return
        again = (await second_look(state, self._runtime))["looked"].look
        if again is None or again.not_done is not None or stored.not_done is not None:
            self._notes.append("the second look could not be made again in full; it is not compared")
            return
        self._done.append(LOOK)
        if state["asked"].answer is not None and state["asked"].answer.identity.engine == "embedded":
            self._equal(LOOK, stored, again)
        else:
            for name in ("why", "verdict", "against"):
                self._equal(f"{LOOK}.{name}", getattr(stored, name), getattr(again, name))

    async def _model(self) -> None:
        stored, answer = self._stored, self._stored.answer
        if answer is None:
            self._notes.append(
                f"the model did not take part ({stored.assessment.mode_reason}), so there is nothing to ask it again"
            )
            return
        if stored.assessment.scale is not self._asked_on:
            self._failed[MODEL] = (
                f"it was asked on the scale {stored.assessment.scale.value}, {self._asked_on.value} is configured"
            )
            return
        try:
            triager = self._context.triager
            if isinstance(triager, AsksSeveral):
                triager = triager.that_answered(answer.identity)
            again = await triager.ask(stored.record, stored.assessment.screening)
        except EngineError as error:
            self._failed[MODEL] = f"it does not answer here ({type(error).__name__})"
            return
        except Exception as error:  # its words may quote the prompt
            self._failed[MODEL] = f"it failed ({type(error).__name__})"
            return
        other = self._compare_identity(answer, again)
        if other:
            self._failed[MODEL] = "another " + ", another ".join(other)
            return
        self._done.append(MODEL)
        exact = answer.identity.engine == "embedded"
        for name in ("level", "path", "citations"):
            self._equal(f"{MODEL}.{name}", getattr(answer, name), getattr(again, name))
        p, q = answer.probabilities.p, again.probabilities.p
        close = all(math.isclose(a, b, rel_tol=0.0, abs_tol=CLOSE) for a, b in zip(p, q, strict=True))
        if p != q and not exact and close:
            most = max(abs(a - b) for a, b in zip(p, q, strict=True))
            self._notes.append(
                f"probabilities of the served model differ by at most {most:.2g} (allowed: {CLOSE})"
            )
        else:
            self._equal(f"{MODEL}.probabilities", answer.probabilities, again.probabilities)

    def _compare_identity(self, answer: ModelAnswer, again: ModelAnswer) -> list[str]:
        """What asks or answers otherwise than then; the calibration comes afterwards and is not part of it."""
        before, now = answer.identity, again.identity
        other = [
            words
            for name, words in _IDENTITY.items()
            if self._changed(words, getattr(before, name), getattr(now, name))
        ]
        recorded = None if self._stored.provenance is None else self._stored.provenance.prompt_sha256
        made = provenance(
            self._context, self._stored.record, self._stored.assessment.screening, asked=True
        ).prompt_sha256
        if recorded is None:
            self._changes.append(Change(what="prompt text", stored=NOT_RECORDED, now=made or NOT_RECORDED))
        elif self._changed("prompt text", recorded, made):
            other.append("prompt text")
        return other

    async def _evidence(self, state: CaseState) -> Verified:
        again = (await verify(state, self._runtime))["verified"]
        self._done.append(EVIDENCE)
        self._equal(f"{EVIDENCE}.reasons", self._stored.assessment.reasons, again.reasons)
        return again

    async def _suggestion(self, state: CaseState) -> None:
        stored = self._stored.assessment
        used = None if stored.identity is None else stored.identity.calibration
        calibration, _ = applicable(self._context.calibration, self._stored.answer)
        ours = self._context.calibration
        if self._stored.answer is not None:
            ours = belonging(ours, self._stored.answer)
        if stored.identity is not None and self._changed("calibration", used, ours.name):
            self._failed[SUGGESTION] = "another calibration"
            return
        if self._stored.answer is not None and calibration.name != ours.name:
            self._notes.append("the calibration was fitted on another model or prompt and is not applied")
        again = (await reconcile(state, self._runtime))["assessment"]
        self._done.append(SUGGESTION)
        for name in _SUGGESTED:
            self._equal(f"{SUGGESTION}.{name}", getattr(stored, name), getattr(again, name))

    def _compare_program(self) -> None:
        stored = self._stored
        now = provenance(self._context, stored.record, stored.assessment.screening, asked=False)
        before = stored.provenance or Provenance()
        for name, words in _PROGRAM.items():
            self._changed(words, getattr(before, name), getattr(now, name))
        if before.library_sha256 in {None, now.library_sha256} or stored.statements is None:
            return
        current = statement_digests(self._context.library)
        for statement_id in sorted(stored.statements.keys() | current.keys()):
            was, is_now = stored.statements.get(statement_id), current.get(statement_id)
            if was != is_now:
                what = f"guideline statement {statement_id}"
                self._changes.append(Change(what=what, stored=was or "not there", now=is_now or "not there"))

    def _changed(self, what: str, stored: str | None, now: str | None) -> bool:
        if stored == now:
            return False
        missing = NOT_RECORDED if self._stored.provenance is None else "none"
        self._changes.append(Change(what=what, stored=stored or missing, now=now or "none"))
        return True

    def _equal(self, field: str, stored: Any, replayed: Any) -> None:
        if stored == replayed:
            return
        part = field.partition(".")[0]
        for path, one, two in _differing(_plain(stored), _plain(replayed), field.partition(".")[2]):
            self._differences.append(
                Difference(part=part, field=path, stored=json.dumps(one), replayed=json.dumps(two))
            )


_IDENTITY = {
    "engine": "engine",
    "model": "model",
    "weights_sha256": "model hash",
    "adapter_sha256": "adapter",
    "prompt_version": "prompt version",
}
_PROGRAM = {
    "program": "program version",
    "rules_sha256": "rules' program text",
    "steps_sha256": "program text of the agent's steps",
    "library_sha256": "guideline library",
    "runtime": "model runtime",
    "processor": "processor",
}
_SUGGESTED = (
    "mode",
    "level",
    "model_level",
    "floor",
    "floor_statement_ids",
    "probabilities",
    "set_most_urgent",
    "set_least_urgent",
    "path",
    "flags",
    "needs_human",
)


def _read(connection: Connection, case_id: str, assessment_id: str | None) -> _Stored:
    case = connection.execute(select(cases).where(cases.c.id == case_id)).one_or_none()
    if case is None:
        raise UnknownCaseError(case_id)
    if case.phase == CasePhase.ERASED.value:
        raise ErasedCaseError(case_id)
    query = (
        select(
            intake.c.record,
            assessments.c.value,
            assessments.c.answer,
            assessments.c.provenance,
        )
        .outerjoin(assessments, assessments.c.id == intake.c.id)
        .where(intake.c.case_id == case_id, intake.c.id == (assessment_id or case.assessment_id))
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        raise UnknownCaseError(f"{case_id} with the assessment {assessment_id}")
    if row.value is None:
        raise NotReadyError(case_id)
    made = None if row.provenance is None else Provenance.model_validate_json(row.provenance)
    statements = None
    if made is not None and made.library_sha256 is not None:
        held = select(libraries.c.statements).where(libraries.c.sha256 == made.library_sha256)
        text = connection.execute(held).scalar()
        statements = None if text is None else json.loads(text)
    return _Stored(
        record=IntakeRecord.model_validate_json(row.record),
        assessment=TriageAssessment.model_validate_json(row.value),
        answer=None if row.answer is None else ModelAnswer.model_validate_json(row.answer),
        provenance=made,
        statements=statements,
    )


def _plain(value: Any) -> Any:
    if isinstance(value, Frozen):
        return value.model_dump(mode="json")
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value


def _differing(one: Any, two: Any, path: str) -> list[tuple[str, Any, Any]]:
    """The deepest places at which two JSON values differ."""
    if isinstance(one, dict) and isinstance(two, dict):
        pairs = [(key, one.get(key), two.get(key)) for key in sorted(one.keys() | two.keys())]
    elif isinstance(one, list) and isinstance(two, list) and len(one) == len(two):
        pairs = [(f"[{number}]", a, b) for number, (a, b) in enumerate(zip(one, two, strict=True))]
    else:
        return [] if one == two else [(path, one, two)]
    found = []
    for key, a, b in pairs:
        place = f"{path}{key}" if key.startswith("[") else f"{path}.{key}".lstrip(".")
        found += _differing(a, b, place)
    return found
