import pytest

from ui.cli.exits import Exit


@pytest.fixture
def waiting(triage, bundle_file):
    """An ankle sprain that waits for a clinician."""
    (case,) = triage("assess", str(bundle_file("41")), "--json").lines
    return case


def test_accepting_decides_once(triage, waiting):
    accepted = triage("review", waiting["id"], "--accept", "--reviewer", "n1")
    assert accepted.code == Exit.DONE, accepted.err
    again = triage("review", waiting["id"], "--override", "1", "--reason", "other", "--reviewer", "n2")
    assert again.code == Exit.DECIDED
    assert "n1" in again.err
    (case,) = triage("cases", "--json").lines
    assert (case["review"]["reviewer"], case["phase"]) == ("n1", "recorded")


def test_an_override_needs_a_reason(triage, waiting):
    assert triage("review", waiting["id"], "--override", "2").code == Exit.USAGE
    assert triage("review", waiting["id"]).code == Exit.USAGE
    assert triage("review", waiting["id"], "--accept", "--override", "2").code == Exit.USAGE
    (case,) = triage("cases", "--json").lines
    assert case["review"] is None


def test_an_override_keeps_level_reason_and_comment(triage, waiting):
    level = 1 if waiting["assessment"]["level"] > 1 else 2
    done = triage(
        "review",
        waiting["id"],
        "--override",
        str(level),
        "--reason",
        "more-information",
        "--comment",
        "looks unwell",
    )
    assert done.code == Exit.DONE, done.err
    (case,) = triage("cases", "--json").lines
    review = case["review"]
    assert (review["level"], review["reason"], review["comment"]) == (
        level,
        "more-information",
        "looks unwell",
    )


def test_a_demand_case_is_not_made_less_urgent_by_a_nurse(triage, bundle_file):
    (case,) = triage("assess", str(bundle_file("20")), "--json").lines
    assert case["assessment"]["floor"] == 1
    arguments = ("review", case["id"], "--override", "4", "--reason", "clinical-judgement")
    assert triage(*arguments, "--role", "nurse").code == Exit.USAGE
    assert triage(*arguments, "--role", "physician").code == Exit.DONE


def test_an_unknown_case_is_an_error(triage):
    from agents import UnknownCaseError

    with pytest.raises(UnknownCaseError, match="triage cases"):
        triage("show", "no-such-case")


def test_explain_shows_every_step_and_the_chain_verifies(triage, waiting):
    triage("review", waiting["id"], "--accept")
    explained = triage("explain", waiting["id"])
    for step in ("read", "screened", "assessed", "verified", "reconciled", "reviewed", "closed"):
        assert step in explained.out
    verified = triage("audit", "verify")
    assert verified.code == Exit.DONE
    assert "verifies" in verified.out


def test_a_changed_record_breaks_the_chain(triage, waiting):
    import sqlite3

    with sqlite3.connect(triage.data_dir / "triage.db") as database:
        tables = [row[0] for row in database.execute("select name from sqlite_master where type='table'")]
        table = next(name for name in tables if "audit_details" in name)
        columns = [row[1] for row in database.execute(f"pragma table_info({table})")]
        column = next(name for name in columns if name in {"detail", "payload", "body", "content"})
        database.execute("drop trigger if exists audit_no_update")
        for (trigger,) in database.execute("select name from sqlite_master where type='trigger'").fetchall():
            database.execute(f"drop trigger {trigger}")
        database.execute(
            f"update {table} set {column} = replace({column}, '{waiting['assessment']['level']}', '9')"
        )
    database.close()
    broken = triage("audit", "verify")
    assert broken.code == Exit.BROKEN_CHAIN
    assert "broken" in broken.err


def test_nothing_pending_is_said(triage, waiting):
    result = triage("pending")
    assert result.code == Exit.DONE
    assert "nothing" in result.out
    assert "nothing was left undone" in triage("recover").out
