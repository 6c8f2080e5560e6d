"""Settings that are made from settings."""

from integrations.settings import Settings


def test_another_adapter_changes_nothing_else(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TRIAGE_CONFIG", raising=False)
    settings = Settings(data_dir=tmp_path, model={"threads": 3})
    other = settings.with_adapter("none")
    assert (settings.model.adapter, other.model.adapter, other.model.threads) == ("default", "none", 3)
    assert other.with_adapter("default") == settings
