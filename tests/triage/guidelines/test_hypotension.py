"""Hypotension with a sign is never below level 2, and with a pulse that is fast for the age it is level 1."""

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from data_schemas import EsiVersion, FactKind
from triage.esi import danger_limit, hypotension_limit, screen
from triage.guidelines import record_from
from triage.guidelines.ages import Age

AGES = st.one_of(
    st.integers(0, 27).map("{} d".format),
    st.integers(1, 11).map("{} mo".format),
    st.integers(1, 100).map("{} a".format),
)


@settings(deadline=None)
@given(
    age=AGES,
    under=st.integers(1, 30),
    heart_rate=st.one_of(st.none(), st.integers(40, 240)),
    fainted=st.booleans(),
    version=st.sampled_from(list(EsiVersion)),
)
def test_the_floor_of_hypotension(age, under, heart_rate, fainted, version):
    days = Age.model_validate(age).days
    limit, _ = hypotension_limit(days)
    compact = {"age": age, "sbp": limit - under, "complaint": "syncope" if fainted else "rash"}
    if heart_rate is not None:
        compact["hr"] = heart_rate
    floor = screen(record_from(compact), version).floor
    fast = heart_rate is not None and heart_rate > 120
    if fainted or fast:
        assert floor is not None
        assert floor <= 2
    found = danger_limit(FactKind.HEART_RATE, days, version)
    if (
        (fast or (fainted and heart_rate is not None))
        and found is not None
        and Decimal(heart_rate) > found[0]
    ):
        assert floor == 1


@settings(deadline=None)
@given(age=AGES, over=st.integers(0, 60))
def test_a_faint_without_hypotension_is_none_of_its_business(age, over):
    limit, _ = hypotension_limit(Age.model_validate(age).days)
    record = record_from({"age": age, "sbp": limit + over, "complaint": "syncope"})
    assert "hypotension" not in " ".join(
        f.statement.id for f in screen(record).findings if f.tier == "demand"
    )
