"""The hazard log names tests that exist."""

import re
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
TEXT = (REPOSITORY / "docs" / "safety.md").read_text(encoding="utf-8")


def test_every_test_named_in_the_hazard_log_exists():
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", TEXT)
    assert len(named) > 20
    missing = [
        f"{path}::{name}"
        for path, name in named
        if not re.search(rf"^(?:async )?def {name}\(", (REPOSITORY / path).read_text(encoding="utf-8"), re.M)
    ]
    assert missing == []


def test_every_hazard_names_a_test():
    rows = [line for line in TEXT.splitlines() if re.match(r"\| H\d+ \|", line)]
    assert len(rows) >= 15
    assert [row for row in rows if "::test_" not in row] == []
