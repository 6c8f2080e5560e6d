"""The recipe for a model of one's own, taken from the page that gives it, run as it stands."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from eval.predictions import read_predictions

REPOSITORY = Path(__file__).parents[3]
TRIAGE = Path(sys.executable).with_name("triage")


@pytest.mark.slow
def test_the_recipe_of_the_page_is_short_and_works(tmp_path):
    page = (REPOSITORY / "docs" / "evaluation.md").read_text()
    (code,) = re.findall(r"```python\n(# my_model\.py\n.*?)```", page, re.DOTALL)
    assert len(code.splitlines()) < 30
    command = next(line for line in page.splitlines() if "--model my_model.py" in line)
    (tmp_path / "my_model.py").write_text(code)
    done = subprocess.run(
        [str(TRIAGE), *command.split()[1:]], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = read_predictions(tmp_path / "var" / "mine" / "predictions" / "samples" / "my_model.csv")
    assert {item.predicted for item in found} == {2, 3}
    result = json.loads((tmp_path / "var" / "mine" / "results.json").read_text())
    (task,) = result["tasks"]
    row = next(row for row in task["models"] if row["name"] == "my_model")
    assert row["cases"] == len(found)
    assert row["failed"] == 0
    assert "my_model.py (sha256" in row["details"]["file"]
    assert {row["name"] for row in task["comparison"]["rows"]} == {"my_model", "rules"}
