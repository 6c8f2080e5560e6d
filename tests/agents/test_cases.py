"""The service from arrival to written decision, on SQLite."""

from agent_parts import SqliteSink, accept, record, service

from agents import CasePhase
from data_schemas import AssessmentMode, TriageOutcome


async def test_a_case_from_arrival_to_the_hospital_record(tmp_path):
    sink = SqliteSink(tmp_path / "hospital.db")
    async with service(tmp_path, sink=sink) as opened:
        case = await opened.assess(record())
        assert case.phase is CasePhase.AWAITING_REVIEW
        assert case.assessment.level == 3
        assert case.assessment.mode is AssessmentMode.MODEL
        outcome = await accept(opened, case.id)
        assert isinstance(outcome, TriageOutcome)
        assert outcome.written
        assert (await opened.get(case.id)).phase is CasePhase.WRITTEN
        assert [row[1:] for row in sink.log()] == [("preliminary", 3), ("final", 3)]
        assert [h.step.value for h in await opened.history(case.id)] == [
            "read",
            "screened",
            "assessed",
            "verified",
            "reconciled",
            "proposed",
            "reviewed",
            "written",
            "closed",
        ]
        assert all(h.intact is not False for h in await opened.history(case.id))
        assert (await opened.verify_chain()).ok
        assert await opened.pending() == ()
