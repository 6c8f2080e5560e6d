import pytest
from pydantic import ValidationError

from integrations.settings import ModelSettings, Settings
from triage.slm.vllm import server_url


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8000",
        "http://127.5.5.5:8000/v1",
        "http://[::1]:8000",
        "http://localhost:8000/v1/",
        "https://gpu.hospital.example",
        "https://gpu.hospital.example/models/v1",
    ],
)
def test_this_machine_and_encrypted_ones_are_taken(url):
    taken = server_url(url)
    assert not taken.endswith(("/", "/v1"))
    assert ModelSettings(url=url).url == url


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://gpu.hospital.example:8000", "https"),
        ("http://10.0.0.5:8000", "https"),
        ("http://127.0.0.1.example.org", "https"),
        ("http://localhost.example.org", "https"),
        ("ftp://127.0.0.1", "http"),
        ("127.0.0.1:8000", "http"),
        ("http://", "http"),
        ("http://user:word@127.0.0.1:8000", "password"),
        ("http://127.0.0.1:8000/?key=1", "query"),
        ("http://127.0.0.1:8000/#a", "query"),
        ("http://[::1", "URL"),
    ],
)
def test_others_are_refused_and_say_why(url, why):
    with pytest.raises(ValidationError, match=why):
        ModelSettings(url=url)


def test_plain_http_to_another_machine_only_where_it_is_allowed():
    assert ModelSettings(url="http://10.0.0.5:8000", allow_plain_http=True).url


@pytest.mark.parametrize(
    "wrong",
    [
        {"api_key": "two words"},
        {"api_key": "schlüssel"},
        {"api_key": ""},
        {"api_key": "a\nb"},
        {"api_key": "a", "api_key_file": "b"},
        {"served_model": "a", "served_manifest": "b"},
        {"served_model": ""},
        {"concurrency": 0},
        {"request_seconds": 0},
        {"queue_size": 0},
        {"engine": "openai"},
        {"urll": "x"},
    ],
)
def test_what_does_not_go_together_is_refused(wrong):
    with pytest.raises(ValidationError):
        ModelSettings.model_validate(wrong)


def test_the_environment_and_no_key_in_any_text(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for name, value in {
        "ENGINE": "vllm",
        "URL": "https://gpu.example",
        "API_KEY": "s3cret-key",
        "CONCURRENCY": "3",
    }.items():
        monkeypatch.setenv(f"TRIAGE_MODEL__{name}", value)
    settings = Settings()
    assert (settings.model.engine, settings.model.concurrency) == ("vllm", 3)
    assert settings.model.api_key is not None
    assert settings.model.api_key.get_secret_value() == "s3cret-key"
    assert "s3cret-key" not in repr(settings) + settings.model_dump_json()
