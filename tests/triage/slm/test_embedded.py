import asyncio
import math
import re
import subprocess
import sys

import pytest

from triage.slm.build import BuiltModel
from triage.slm.decoding import AnswerDecoder
from triage.slm.embedded import EmbeddedEngine
from triage.slm.engine import EngineRequest
from triage.slm.errors import AnswerError, EngineBusyError, EngineError
from triage.slm.fetch import MODEL_SHA256
from triage.slm.graph import MAX_POSITIONS

PREFIX = "<|im_start|>system\nAssign the triage level from the facts.<|im_end|>\n<|im_start|>user\n"
END = "<|im_end|>\n<|im_start|>assistant\n"


def ask(
    facts: str, regex: str = r"Level: [1-5]\n", prefix: str = PREFIX, lead: str = "Level: "
) -> EngineRequest:
    return EngineRequest(prefix=prefix, prompt=f"{facts}{END}", lead=lead, regex=regex)


PATIENTS = [
    "F1 age 71 y\nF2 chest pain\nF3 SpO2 86 %",
    "F1 age 23 y\nF2 ankle sprain",
    "F1 age 3 y\nF2 fever\nF3 temp 39.4 C\nF4 heart rate 160 /min\nF5 drinks less than usual",
    "F1 cardiac arrest",
    "F1 age 40 y\nF2 repeat prescription",
]
CITING = r"Level: [1-5]\nBecause of (F1|F2|F12|F103)(, (F1|F2|F12|F103)){1,2}\. Rule (A|A1|AB) holds\n"


@pytest.mark.parametrize(
    "regex",
    [
        CITING,
        r"Level: [1-5]",
        r"Level: [1-5]\nPath: (yes|no); (none|one|many)\n",
        r"Level: [1-5] (ünïcode|°C|≥ 38)\n",
        r"Level: [1-5] [a-z]{3,5}!",
        r"Level: [1-5](, F[1-3]){0,4}",
    ],
)
async def test_the_grammar_is_obeyed(engine: EmbeddedEngine, regex: str) -> None:
    for facts in PATIENTS[:2]:
        answer = await engine.answer(ask(facts, regex))
        assert re.fullmatch(regex, answer.text)


async def test_the_level_written_is_the_likeliest_and_probabilities_sum_to_one(
    engine: EmbeddedEngine,
) -> None:
    for facts in PATIENTS:
        answer = await engine.answer(ask(facts))
        assert math.fsum(map(math.exp, answer.level_logprobs)) == pytest.approx(1, abs=1e-12)
        best = answer.level_logprobs.index(max(answer.level_logprobs))
        assert answer.text == f"Level: {best + 1}\n"
        assert answer.answer_tokens == 2
        assert answer.seconds > 0


async def test_same_question_same_bits(engine: EmbeddedEngine, built: BuiltModel) -> None:
    request = ask(PATIENTS[0], CITING)
    first = await engine.answer(request)
    await engine.answer(ask(PATIENTS[2], CITING, prefix="Another prefix. "))
    await engine.levels([ask(facts) for facts in PATIENTS])
    again = await engine.answer(request)
    code = (
        "import asyncio, pathlib, sys\n"
        "from triage.slm.embedded import EmbeddedEngine\n"
        "from triage.slm.engine import EngineRequest\n"
        "async def main():\n"
        "    engine = EmbeddedEngine.open()\n"
        "    answer = await engine.answer(EngineRequest(*sys.argv[1:5]))\n"
        "    print([v.hex() for v in answer.level_logprobs], repr(answer.text))\n"
        "    await engine.close()\n"
        "asyncio.run(main())\n"
    )
    arguments = [request.prefix, request.prompt, request.lead, request.regex]
    other = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", code, *arguments], check=True, capture_output=True, text=True
    )
    assert (again.text, again.level_logprobs) == (first.text, first.level_logprobs)
    assert other.stdout.strip() == f"{[v.hex() for v in first.level_logprobs]} {first.text!r}"


async def test_a_ready_prefix_changes_nothing(engine: EmbeddedEngine) -> None:
    for facts in PATIENTS[:3]:
        split = await engine.answer(ask(facts, CITING))
        whole = await engine.answer(
            EngineRequest(prefix="", prompt=f"{PREFIX}{facts}{END}", lead="Level: ", regex=CITING)
        )
        assert split.text == whole.text
        assert split.prompt_tokens == whole.prompt_tokens
        assert split.level_logprobs == pytest.approx(whole.level_logprobs, abs=1e-4)


async def test_a_token_across_the_border_of_prefix_and_prompt(engine: EmbeddedEngine) -> None:
    split = await engine.answer(EngineRequest("Triage: chest pa", f"in{END}", "Level: ", r"Level: [1-5]"))
    whole = await engine.answer(EngineRequest("", f"Triage: chest pain{END}", "Level: ", r"Level: [1-5]"))
    assert split.prompt_tokens == whole.prompt_tokens
    assert split.level_logprobs == pytest.approx(whole.level_logprobs, abs=1e-4)


async def test_batched_levels_are_the_levels_of_the_answers(engine: EmbeddedEngine) -> None:
    requests = [ask(f"F1 age {age} y\n{facts}") for age in (2, 81) for facts in PATIENTS]
    requests.insert(4, ask(PATIENTS[1], prefix="Another prefix. "))
    levels = await engine.levels(requests)
    for request, level in zip(requests, levels, strict=True):
        answer = await engine.answer(request)
        assert level.text == ""
        assert level.prompt_tokens == answer.prompt_tokens
        assert level.level_logprobs == pytest.approx(answer.level_logprobs, abs=1e-4)
    assert await engine.levels([]) == []


async def test_forced_text_is_not_decoded_token_by_token(
    engine: EmbeddedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    passes: list[int] = []
    decoder = engine._decoder._decoder
    feed = decoder.feed
    monkeypatch.setattr(decoder, "feed", lambda rows: (passes.append(len(rows[0])), feed(rows))[1])
    forced = "the model has no choice in this long sentence at all"
    await engine.answer(ask(PATIENTS[1]))  # the prefix is ready
    passes.clear()
    answer = await engine.answer(ask(PATIENTS[1], rf"Level: [1-5]\n{forced} (yes|no)\n"))
    assert forced in answer.text
    assert passes[1] > 10  # the level and the forced sentence in one pass
    assert len(passes) <= 3  # the prompt, that pass, and one more if the model spells its choice in two
    passes.clear()
    answer = await engine.answer(ask(PATIENTS[1], rf"Level: [1-5]\n{forced}\n"))
    assert forced in answer.text
    assert len(passes) == 1  # nothing follows that would need another pass


async def test_bounded_queue_and_close(built: BuiltModel) -> None:
    engine = EmbeddedEngine(built, max_waiting=2)
    results = await asyncio.gather(
        *(engine.answer(ask(PATIENTS[1])) for _ in range(4)), return_exceptions=True
    )
    assert sum(isinstance(result, EngineBusyError) for result in results) == 2
    assert sum(not isinstance(result, BaseException) for result in results) == 2
    await engine.answer(ask(PATIENTS[1]))  # places are given back
    await engine.close()
    with pytest.raises(EngineError, match="closed"):
        await engine.answer(ask(PATIENTS[1]))
    assert engine.identity.engine == "embedded"
    assert engine.identity.weights_sha256 == MODEL_SHA256
    assert engine.identity.adapter is None


async def test_concurrent_callers_get_their_own_answers(engine: EmbeddedEngine) -> None:
    requests = [ask(facts, CITING) for facts in PATIENTS]
    alone = [await engine.answer(request) for request in requests]
    together = await asyncio.gather(*map(engine.answer, requests))
    assert [one.level_logprobs for one in together] == [one.level_logprobs for one in alone]
    assert [one.text for one in together] == [one.text for one in alone]


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (ask("x", r"Level: [1-5"), "not a regular expression"),
        (ask("x", r"Grade: [1-5]"), "does not begin with its lead"),
        (ask("x", r"Level: [a-c]"), "does not allow the level"),
    ],
)
async def test_a_grammar_that_cannot_be_followed(
    engine: EmbeddedEngine, request_: EngineRequest, message: str
) -> None:
    with pytest.raises(AnswerError, match=message):
        await engine.answer(request_)


async def test_too_long_a_text_is_an_error_without_the_text(engine: EmbeddedEngine) -> None:
    with pytest.raises(EngineError, match="shorten the text") as caught:
        await engine.answer(ask("secret " * MAX_POSITIONS))
    assert "secret" not in str(caught.value)


async def test_an_answer_without_end_is_an_error(built: BuiltModel) -> None:
    decoder = AnswerDecoder(built.folder, threads=2, max_answer_tokens=8)
    with pytest.raises(AnswerError, match="within 8 tokens"):
        decoder.answer(ask("x", r"Level: [1-5][a-z ]{200,}"))
