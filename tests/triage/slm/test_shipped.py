import json

import pytest

from data_schemas import AcuityScale
from triage.slm.adapter import LoraAdapter, adapter_sha256
from triage.slm.calibration import Calibration
from triage.slm.errors import ModelMissingError
from triage.slm.prompt import PROMPT_VERSION
from triage.slm.shipped import resolve_adapter, shipped_adapters


@pytest.mark.parametrize("folder", shipped_adapters().values(), ids=lambda path: path.name)
def test_every_shipped_adapter_is_complete_small_and_for_this_prompt(folder):
    assert LoraAdapter(folder).name
    assert (folder / "README.md").is_file()
    assert sum(path.stat().st_size for path in folder.iterdir()) < 40 * 1024 * 1024
    content = json.loads((folder / "calibration.json").read_text())
    assert content["prompt_version"] == PROMPT_VERSION
    for scale in (AcuityScale.ESI, AcuityScale.KTAS):
        calibration = Calibration.load(folder / "calibration.json", scale)
        assert calibration.fitted
        assert calibration.fits(adapter_sha256(folder))


def test_the_default_is_a_shipped_adapter():
    assert resolve_adapter("default") in shipped_adapters().values()


def test_the_base_model_and_a_folder_can_be_named(tmp_path):
    (tmp_path / "adapter_config.json").write_text("{}")
    assert resolve_adapter("none") is None
    assert resolve_adapter(str(tmp_path)) == tmp_path


def test_an_unknown_adapter_names_those_there_are():
    with pytest.raises(ModelMissingError, match="smollm2_triage"):
        resolve_adapter("nonesuch")


def test_without_a_default_the_base_model_answers(tmp_path):
    assert resolve_adapter("default", tmp_path) is None
