"""What is not configured is not asked, with the remedy; what refuses is known before hours are spent."""

import pytest
from chat_server import KEY, SECRET, ChatServer, error, level
from inspect_ai.model import get_model

from eval.prompting import AccessError, check_access, key_variable, not_configured

pytestmark = [
    # Inspect's own call of tenacity, and streams and connections that it leaves to the collector.
    pytest.mark.filterwarnings("ignore:The 'initial' parameter is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.usefixtures("collected"),
]


@pytest.mark.parametrize(
    ("model", "remedy"),
    [
        ("openai/gpt-4o", "set OPENAI_API_KEY"),
        ("openai-api/my-site/llama", "set MY_SITE_BASE_URL and MY_SITE_API_KEY"),
        ("openai-api/llama", "openai-api/SERVICE/MODEL"),
        ("vllm/llama", "set VLLM_BASE_URL"),
        ("anthropic/claude", "set ANTHROPIC_API_KEY"),
        ("gpt-4o", "openai/gpt-4o"),
    ],
)
def test_without_settings_a_model_is_named_with_its_remedy(model: str, remedy: str) -> None:
    found = not_configured(model, environment={})
    assert found is not None
    assert found.startswith(model)
    assert remedy in found


@pytest.mark.parametrize(
    ("model", "environment", "base_url"),
    [
        ("openai/gpt-4o", {"OPENAI_API_KEY": "k"}, None),
        ("openai-api/my-site/llama", {"MY_SITE_BASE_URL": "u", "MY_SITE_API_KEY": "k"}, None),
        ("openai-api/my-site/llama", {"MY_SITE_API_KEY": "k"}, "u"),
        ("vllm/llama", {"VLLM_BASE_URL": "u"}, None),
        ("vllm/llama", {}, "u"),
        ("mockllm/model", {}, None),
    ],
)
def test_a_configured_model_is_run(model: str, environment: dict[str, str], base_url: str | None) -> None:
    assert not_configured(model, base_url=base_url, environment=environment) is None


def test_the_key_of_a_service_is_named_after_it() -> None:
    assert key_variable("openai-api/my-site/a/b") == "MY_SITE_API_KEY"
    assert key_variable("openai/gpt-4o") == "OPENAI_API_KEY"


async def test_the_first_question_holds_nothing_of_a_patient(server: ChatServer) -> None:
    server.script = [level(3)]
    await check_access(get_model("openai-api/local/m", memoize=False))
    assert server.asked == 1
    assert [m["content"] for m in server.bodies[0]["messages"]] == ["Reply with the word ready."]
    assert server.keys == [f"Bearer {KEY}"]


@pytest.mark.parametrize(
    ("status", "words"),
    [(401, "Set LOCAL_API_KEY"), (403, "Set LOCAL_API_KEY"), (404, "no such model"), (400, "rejected")],
)
async def test_what_is_wrong_is_said_once_and_quotes_nothing(
    server: ChatServer, status: int, words: str
) -> None:
    server.script = [error(status)]
    with pytest.raises(AccessError, match=words) as raised:
        await check_access(get_model("openai-api/local/m", memoize=False))
    assert server.asked == 1
    assert KEY not in str(raised.value)
    assert SECRET not in str(raised.value)
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__


async def test_nobody_at_the_address_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCAL_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("LOCAL_API_KEY", KEY)
    with pytest.raises(AccessError, match="Check the address"):
        await check_access(get_model("openai-api/local/m", memoize=False, max_retries=0), seconds=2)
