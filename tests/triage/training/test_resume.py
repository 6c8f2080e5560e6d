"""A run killed in the middle and resumed gives the very adapter of an unbroken one."""

import json
import os
import signal
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

import torch  # noqa: E402
from safetensors.torch import load_file  # noqa: E402

from triage.training.checkpoint import CheckpointError  # noqa: E402
from triage.training.run import RunOptions, run  # noqa: E402

KILLED = """
import os, signal, sys
from pathlib import Path
from triage.training.run import run
run(Path(sys.argv[1]), Path(sys.argv[2]),
    on_step=lambda step, done, loss: os.kill(os.getpid(), signal.SIGKILL) if step == 5 else None)
"""


def killed(recipe, out):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(recipe), str(out)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr


def without_clock(curve):
    return [{key: value for key, value in row.items() if key != "seconds"} for row in curve]


@pytest.fixture(scope="module")
def base(make_base):
    return make_base("llama")


def test_killed_after_a_step_and_resumed_is_as_if_unbroken(base, write_recipe, tmp_path):
    # Dropout, averaged weights, checkpoints at steps 2, 3 (an evaluation), 4, ...
    recipe = write_recipe(base, recipe={"average_decay": 0.8})
    run(recipe, tmp_path / "unbroken", report=lambda row: None)
    killed(recipe, tmp_path / "broken")
    assert (tmp_path / "broken" / "checkpoint.pt").is_file()
    # What a kill in the middle of writing the next state leaves behind.
    (tmp_path / "broken" / "checkpoint.pt.new").write_bytes(b"half a state")
    with pytest.raises(CheckpointError, match="--resume"):
        run(recipe, tmp_path / "broken")
    with pytest.raises(CheckpointError, match="nothing to resume"):
        run(recipe, tmp_path / "empty", RunOptions(resume=True))
    torn = tmp_path / "torn"
    torn.mkdir()
    state = (tmp_path / "broken" / "checkpoint.pt").read_bytes()
    (torn / "checkpoint.pt").write_bytes(state[: len(state) // 2])
    with pytest.raises(CheckpointError, match="cannot be read"):
        run(recipe, torn, RunOptions(resume=True))
    other = write_recipe(base, recipe={"learning_rate": 1e-3})
    with pytest.raises(CheckpointError, match="is not the same"):
        run(other, tmp_path / "broken", RunOptions(resume=True))
    recipe = write_recipe(base, recipe={"average_decay": 0.8})
    steps = []
    record = run(
        recipe,
        tmp_path / "broken",
        RunOptions(resume=True),
        report=lambda row: None,
        on_step=lambda step, done, loss: steps.append(step),
    )
    assert steps == [5, 6, 7, 8]
    assert record["resumed"] == 1
    ours, theirs = (
        load_file(tmp_path / name / "adapter_model.safetensors") for name in ("broken", "unbroken")
    )
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[key], theirs[key]) for key in ours)
    curves = [json.loads((tmp_path / name / "curve.json").read_text()) for name in ("broken", "unbroken")]
    assert without_clock(curves[0]) == without_clock(curves[1])
    assert (tmp_path / "broken" / "calibration.json").read_bytes() == (
        tmp_path / "unbroken" / "calibration.json"
    ).read_bytes()
