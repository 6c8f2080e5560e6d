"""``triage train preference``: what cannot be trained is said in one line, without a traceback."""

import re
import sys

import pytest
from typer.testing import CliRunner

from ui.cli.app import app

RECIPE = "preference: {name: made-up}\ncorpus: {parts: [{dataset: authored, hold_out: 20}]}\n"


@pytest.fixture
def invoke(tmp_path, capfd):
    """Exit code and everything said, on both channels."""

    def call(*arguments):
        result = CliRunner().invoke(app, ["train", "preference", *map(str, arguments)])
        spoken = capfd.readouterr()
        return result.exit_code, result.output + spoken.out + spoken.err

    return call


def test_help_names_what_it_needs(invoke):
    code, said = invoke("--help")
    assert code == 0
    assert "--start-from" in said
    assert "--out" in said


def test_without_the_extra_the_remedy_is_named(invoke, tmp_path, monkeypatch):
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(RECIPE)
    monkeypatch.setitem(sys.modules, "triage.training.preference.run", None)
    code, said = invoke(recipe, "--start-from", tmp_path, "--out", tmp_path / "out")
    assert code == 1
    assert "pip install" in said
    assert not (tmp_path / "out").exists()


def test_a_recipe_that_is_not_there_is_refused(invoke, tmp_path):
    code, said = invoke(tmp_path / "none.yaml", "--start-from", tmp_path, "--out", tmp_path / "out")
    assert code == 2
    # The box of the message breaks a long path anywhere.
    assert "none.yaml" in re.sub(r"[^\w.]", "", said)
