"""The command from recipe to adapter folder, on a tiny model and the shipped cases."""

import json

import pytest
from typer.testing import CliRunner

pytestmark = pytest.mark.slow

import torch  # noqa: E402
import transformers  # noqa: E402
from safetensors.torch import load_file  # noqa: E402

from data_schemas import AcuityScale  # noqa: E402
from triage.slm.adapter import LoraAdapter, adapter_sha256  # noqa: E402
from triage.slm.calibration import Calibration  # noqa: E402
from ui.cli.app import app  # noqa: E402
from ui.cli.exits import Exit  # noqa: E402


def invoke(*arguments):
    return CliRunner().invoke(app, ["train", "finetune", *map(str, arguments)])


@pytest.fixture(scope="module")
def base(make_base):
    return make_base("llama")


def test_the_command_leaves_an_adapter_its_calibration_curve_and_record(base, write_recipe, tmp_path):
    recipe, out = write_recipe("elsewhere/never-read"), tmp_path / "adapter"
    done = invoke(recipe, "--out", out, "--base", base)
    assert done.exit_code == 0, done.output
    assert "stopped by steps" in done.stdout
    assert {path.name for path in out.iterdir()} == {
        "adapter_config.json",
        "adapter_model.safetensors",
        "calibration.json",
        "curve.json",
        "curve.png",
        "run.json",
    }
    assert LoraAdapter(out).sha256
    calibration = Calibration.load(out / "calibration.json", AcuityScale.ESI)
    assert calibration.fits(adapter_sha256(out))
    assert calibration.numbers.fitted_on == "24 held-out authored cases"
    record = json.loads((out / "run.json").read_text())
    assert record["recipe"]["name"] == "tiny"
    assert record["base"]["name"] == base.name
    assert record["steps"] == 8
    assert record["examples_seen"] == 32
    assert record["best_step"] in {3, 6, 8}
    assert record["data"]["authored"]["examples"] == record["examples"] == 40
    assert len(record["data"]["authored"]["examples_sha256"]) == 64
    assert record["versions"]["torch"] == torch.__version__
    assert record["versions"]["transformers"] == transformers.__version__
    assert len(record["git"].removesuffix("+changes")) == 40 or record["git"].startswith("unknown")
    assert record["energy"]["metered"]
    assert "kwh" in record["energy"] or record["energy"]["metered"].startswith("not metered")
    assert str(tmp_path) not in (out / "run.json").read_text()

    again = invoke(recipe, "--out", out, "--base", base)
    assert again.exit_code == Exit.FAILED
    assert "not empty" in again.output
    finished = invoke(recipe, "--out", out, "--base", base, "--resume")
    assert finished.exit_code == Exit.FAILED
    assert "its run is finished" in finished.output

    further = tmp_path / "further"
    done = invoke(recipe, "--out", further, "--base", base, "--start-from", out)
    assert done.exit_code == 0, done.output
    assert json.loads((further / "run.json").read_text())["start_from_sha256"] == adapter_sha256(out)
    first = json.loads((out / "curve.json").read_text())[0]["authored"]["nll"]
    assert json.loads((further / "curve.json").read_text())[0]["authored"]["nll"] != first
    assert (
        load_file(further / "adapter_model.safetensors").keys()
        == load_file(out / "adapter_model.safetensors").keys()
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"recipe": {"learning_rat": 1}}, "learning_rat"),
        ({"recipe": {"select_on": ["ktas"]}}, "nothing is held out"),
        ({"recipe": {"first_layer": 5}}, "the model has 2 layers"),
        ({"corpus": {"parts": [{"dataset": "moon"}]}}, "no data set 'moon'"),
    ],
)
def test_a_recipe_that_means_nothing_is_one_clear_line(base, write_recipe, tmp_path, changes, said):
    done = invoke(write_recipe(base, **changes), "--out", tmp_path / "adapter")
    assert done.exit_code == Exit.FAILED
    assert said in done.output
    assert not (tmp_path / "adapter" / "adapter_model.safetensors").exists()


@pytest.mark.skipif(torch.cuda.is_available(), reason="what is said on a machine without a GPU")
def test_four_bits_and_cuda_without_a_gpu_are_refused_with_the_remedy(base, write_recipe, tmp_path):
    done = invoke(write_recipe({"model": str(base), "quantisation": "nf4"}), "--out", tmp_path / "adapter")
    assert done.exit_code == Exit.FAILED
    assert "needs a CUDA GPU" in done.output
    assert "take it out of the recipe" in done.output
    done = invoke(write_recipe({"model": str(base), "device": "cuda"}), "--out", tmp_path / "adapter")
    assert done.exit_code == Exit.FAILED
    assert "device: auto" in done.output


def test_a_folder_that_is_no_model_is_refused_with_the_remedy(write_recipe, tmp_path):
    done = invoke(write_recipe("no/such/folder"), "--out", tmp_path / "adapter")
    assert done.exit_code == Exit.FAILED
    assert "no/such/folder holds no config.json" in done.output
