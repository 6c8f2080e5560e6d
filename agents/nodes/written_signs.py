"""Signs that stand in complaint or note and in no field of the record: named, and looked at as if they were measured.

Rules judge measurements, not prose: what was typed may be of another time or another person. But "BP 70/40" in a note
beside empty fields must not be passed over either. So the rules are asked once more with what was written in the empty
beside empty fields must not be passed over either. So the rules are asked once more with what is written in the empty
nothing written can make anything less urgent.
"""

from collections.abc import Iterator

from agents.ports import Screens
from data_schemas import VITAL_SIGNS, EsiVersion, Fact, FactKind, Flag, IntakeRecord
from data_schemas._base import Frozen
from triage.facts import missing_kinds, number_facts
from triage.slm.guard import FREE_TEXT
from triage.text.vitals import facts_in_text

CODE = "signs-in-text-only"
_SIGNS = (*VITAL_SIGNS, FactKind.GCS)


class WrittenSigns(Frozen):
    """What was found: the flag, and the level that the rules give with the written signs where it is more urgent."""

    flag: Flag
    level: int | None


def written_signs(
    record: IntakeRecord, screen: Screens, version: EsiVersion, level: int
) -> WrittenSigns | None:
    """The signs that are written and not recorded; None where there is none.

    ``level`` is the suggestion: only a more urgent level of the rules is given.
    """
    found = tuple(_unrecorded(record))
    if not found:
        return None
    facts = number_facts((*record.facts, *found))
    filled = record.model_copy(update={"facts": facts, "missing": missing_kinds(facts)})
    by_rules = screen(filled, version).level
    urgent = by_rules if by_rules < level else None
    said = ", ".join(dict.fromkeys(f'"{fact.as_received}"' for fact in found))
    message = f"Written in the text and in no field of the record, so that no rule judged it: {said}."
    if urgent is None:
        message += " Enter it if it was measured now."
    else:
        message += f" As measurements the rules would give level {urgent}: measure again or enter it."
    return WrittenSigns(flag=Flag(code=CODE, message=message), level=urgent)


def _unrecorded(record: IntakeRecord) -> Iterator[Fact]:
    """One fact for each sign, the latest mention of it; none of what the record holds."""
    wanted = {kind for kind in _SIGNS if record.number(kind) is None}
    for text in record.facts:
        if text.kind not in FREE_TEXT:
            continue
        facts, _ = facts_in_text(
            text.text,
            resource_type=text.source.resource_type,
            path=text.source.path,
            resource_id=text.source.resource_id,
        )
        for fact in facts:
            if fact.kind in wanted:
                wanted.discard(fact.kind)
                yield fact
