"""The wheel, installed in a clean environment, runs from another directory and holds nothing but the six packages."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from ui.cli.packages import OURS

REPOSITORY = Path(__file__).parents[2]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def run(*arguments, cwd, check=True, env=None):
    return subprocess.run(
        [str(a) for a in arguments],
        cwd=cwd,
        check=check,
        capture_output=True,
        text=True,
        timeout=800,
        env=env,
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    out = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--wheel", "--outdir", out, REPOSITORY, cwd=out)
    (path,) = out.glob("ed_triage_agent-*.whl")
    return path


@pytest.fixture(scope="module")
def clean(tmp_path_factory, wheel):
    """A new virtual environment with the wheel and its plain dependencies, nothing else."""
    home = tmp_path_factory.mktemp("clean")
    run(sys.executable, "-m", "venv", home / "venv", cwd=home)
    pip = home / "venv" / "bin" / "pip"
    run(pip, "install", "--quiet", "-c", REPOSITORY / "constraints.txt", wheel, cwd=home)
    return home / "venv" / "bin"


def test_the_wheel_ships_the_six_packages_and_never_the_tests(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names if not name.startswith("ed_triage_agent-")}
    assert tops == set(OURS)
    assert not [name for name in names if "test" in Path(name).name and name.endswith(".py")]
    for needed in (
        "integrations/samples/samples.yaml",
        "triage/guidelines/statements/",
        "data_schemas/json/",
        "triage/slm/serving/requirements-cpu.txt",
        "triage/slm/serving/inside/run_vllm.py",
        "eval/report/templates/report.html.j2",
        "eval/suites/development.yaml",
        "eval/prompting/prompts.yaml",
        "eval/gate/cases.yaml",
        "eval/published.yaml",
    ):
        assert any(name.startswith(needed) for name in names), needed


def test_it_triages_a_sample_from_another_directory(clean, tmp_path):
    run(clean / "triage", "model", "fetch", cwd=tmp_path)
    write = "from integrations.samples import samples; open('s.json', 'w').write(samples()[25].raw())"
    run(clean / "python", "-c", write, cwd=tmp_path)
    result = run(clean / "triage", "assess", "s.json", "--json", "--data-dir", "records", cwd=tmp_path)
    assert '"mode": "model"' in result.stdout
    assert run(clean / "triage", "config", "check", cwd=tmp_path).returncode == 0


@pytest.mark.parametrize("name", ["agents", "eval"])
def test_a_foreign_package_in_the_way_is_named(clean, tmp_path, name):
    import os

    foreign = tmp_path / "elsewhere" / name
    foreign.mkdir(parents=True)
    (foreign / "__init__.py").write_text("")
    env = {**os.environ, "PYTHONPATH": str(foreign.parent)}
    result = run(clean / "triage", "config", "check", cwd=tmp_path, check=False, env=env)
    assert result.returncode != 0
    said = result.stdout + result.stderr
    assert f"foreign package named '{name}'" in said
    assert str(foreign.parent) in said
