"""The solver in real Inspect runs against a real server that misbehaves."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from chat_server import KEY, SECRET, Act, ChatServer, error, hang_up, late, level, raw, text
from inspect_ai import Task
from inspect_ai import eval as inspect_eval
from inspect_ai.dataset import Sample
from inspect_ai.log import EvalLog
from inspect_ai.model import get_model
from inspect_ai.scorer import Score, Scorer, Target, accuracy, scorer
from inspect_ai.solver import TaskState

from data_schemas import IntakeRecord
from eval.prompting import ANSWER_KEY, Failure, PromptError, patient_text, record_of, solver, stored_answer

Record = Callable[..., IntakeRecord]
Run = Callable[..., EvalLog]

pytestmark = [
    # Inspect's own call of tenacity, and streams and connections that it leaves to the collector.
    pytest.mark.filterwarnings("ignore:The 'initial' parameter is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.usefixtures("collected"),
]


@scorer(metrics=[accuracy()])
def level_scorer() -> Scorer:
    async def score(state: TaskState, target: Target) -> Score:
        answer = stored_answer(state)
        assert answer is not None
        return Score(value=answer.label == target.text, answer=answer.label, explanation=answer.failure)

    return score


@pytest.fixture
def run(server: ChatServer, record: Record, tmp_path: Path) -> Run:
    """Ask about so many patients, one after the other; the log."""

    def evaluate(
        script: Sequence[Act] = (),
        cases: int = 1,
        *,
        strategy: str = "zero-shot",
        scale: str = "KTAS",
        options: dict[str, Any] | None = None,
        client_retries: int = 0,
        **settings: Any,
    ) -> EvalLog:
        server.script = list(script)
        samples = [
            Sample(
                id=f"k-{number}",
                input="-",
                target="3",
                metadata={"record": record(chief_complaint=f"{SECRET} fell {number}").model_dump_json()},
            )
            for number in range(cases)
        ]
        task = Task(dataset=samples, solver=solver(strategy, scale, **(options or {})), scorer=level_scorer())
        # The client's own tries would multiply Inspect's; here only Inspect's count. Not memoized: each test has a
        # server of its own.
        model = get_model("openai-api/local/tested", memoize=False, max_retries=client_retries)
        return inspect_eval(
            task,
            model=model,
            log_dir=str(tmp_path / "logs"),
            display="none",
            **{"max_connections": 1, "max_retries": 0, "fail_on_error": False, **settings},
        )[0]

    return evaluate


def answers(log: EvalLog) -> list[dict[str, Any] | None]:
    samples = sorted(log.samples or [], key=lambda sample: int(str(sample.id)[2:]))
    return [sample.store.get(ANSWER_KEY) for sample in samples]


def failures(log: EvalLog) -> list[str | None]:
    return [None if answer is None else answer["failure"] for answer in answers(log)]


def errors(log: EvalLog) -> list[str]:
    return [s.error.message + s.error.traceback for s in log.samples or [] if s.error is not None]


def test_a_level_is_read_and_scored(run: Run, server: ChatServer, record: Record) -> None:
    log = run([level(3)])
    assert log.status == "success"
    assert answers(log) == [
        {"label": "3", "level": 3, "reason": "steady", "failure": None, "failed_status": None}
    ]
    body = server.bodies[0]
    assert body["messages"][0]["content"].endswith(
        patient_text(record(chief_complaint="Zebulon Quartermain fell 0"))
    )
    assert body["temperature"] == 0
    assert body["max_tokens"] == 300
    assert body["response_format"]["json_schema"]["strict"] is True
    assert body["response_format"]["json_schema"]["schema"]["properties"]["level"]["enum"] == [1, 2, 3, 4, 5]
    usage = log.stats.model_usage["openai-api/local/tested"]
    assert (usage.input_tokens, usage.input_tokens_cache_read, usage.output_tokens) == (150, 50, 10)


def test_the_users_settings_go_before_ours(run: Run, server: ChatServer) -> None:
    run([level(3)], temperature=0.7, max_tokens=900, options={"structured": False})
    assert server.bodies[0]["temperature"] == 0.7
    assert server.bodies[0]["max_tokens"] == 900
    assert "response_format" not in server.bodies[0]


def test_classes_are_asked_for_in_their_own_words(run: Run, server: ChatServer) -> None:
    log = run([text('{"level": "em", "reason": ""}')], scale="semigran", strategy="chain-of-thought")
    assert answers(log)[0]["label"] == "em"
    assert answers(log)[0]["level"] == 2
    schema = server.bodies[0]["response_format"]["json_schema"]["schema"]
    assert schema["properties"]["level"]["enum"] == ["em", "ne", "sc"]


FAULTS = [
    # A fault of the service between answers: five in a row would stop the run.
    (error(400), Failure.REJECTED),
    (error(429), Failure.RATE_LIMITED),
    (text("I cannot say."), Failure.NO_LEVEL),
    (error(500), Failure.SERVER_ERROR),
    (error(503), Failure.SERVER_ERROR),
    (text("level 2 or level 3"), Failure.SEVERAL),
    (hang_up, Failure.UNREACHABLE),
    (raw(b"<html>busy</html>"), Failure.MALFORMED),
    (text('{"level": 3, "reason": "the pat', "length"), Failure.CUT_OFF),
    (text('{"level": 3, "reason": "the pat'), Failure.CUT_OFF),
    (text("Level: 3", "length"), Failure.CUT_OFF),
    (text(""), Failure.EMPTY),
    (text(None), Failure.EMPTY),
    (text(None, refusal="I will not."), Failure.NO_LEVEL),
    (text("Sorry.", "content_filter"), Failure.REFUSED),
    (error(400, "content_filter"), Failure.REFUSED),
    (error(400, "context_length_exceeded"), Failure.TOO_LONG),
    (level(3), None),
]


def test_what_is_no_level_counts_as_wrong_and_is_listed(run: Run) -> None:
    log = run([act for act, _ in FAULTS], cases=len(FAULTS), max_samples=1)
    assert log.status == "success"
    assert errors(log) == []
    assert failures(log) == [failure and failure.value for _, failure in FAULTS]
    assert log.results is not None
    assert log.results.scores[0].metrics["accuracy"].value == pytest.approx(1 / len(FAULTS))


def test_no_answer_in_time_counts_as_wrong(run: Run) -> None:
    log = run([late(3, level(3))], attempt_timeout=1, timeout=1)
    assert failures(log) == [Failure.TIMED_OUT.value]


@pytest.mark.parametrize("act", [error(503), error(429, headers={"Retry-After": "1"}), hang_up])
def test_a_passing_fault_is_tried_again(run: Run, server: ChatServer, act: Act) -> None:
    log = run([act, level(3)], client_retries=2)
    assert [a["label"] for a in answers(log)] == ["3"]
    assert server.asked == 2


def test_tries_have_an_end(run: Run, server: ChatServer) -> None:
    log = run([error(503)], max_retries=1)
    assert failures(log) == [Failure.SERVER_ERROR.value]
    assert server.asked == 2


@pytest.mark.parametrize(
    ("status", "words"), [(401, "LOCAL_API_KEY"), (403, "LOCAL_API_KEY"), (404, "no such model")]
)
def test_a_refused_key_stops_the_run_at_once(run: Run, server: ChatServer, status: int, words: str) -> None:
    log = run([level(3), error(status)], cases=6, max_samples=1)
    assert server.asked == 2
    assert len(errors(log)) == 5
    for message in errors(log):
        assert words in message
        assert KEY not in message
        assert SECRET not in message


def test_by_default_inspect_ends_the_run_with_it(run: Run, server: ChatServer) -> None:
    log = run([error(401)], cases=6, max_samples=1, fail_on_error=True)
    assert log.status == "error"
    assert server.asked == 1
    assert log.error is not None
    assert "LOCAL_API_KEY" in log.error.message
    assert SECRET not in log.error.message + log.error.traceback


def test_a_service_that_is_away_stops_the_run_instead_of_making_every_case_wrong(
    run: Run, server: ChatServer
) -> None:
    log = run([error(503), error(503), level(3), error(503)], cases=12, max_samples=1)
    # Two failures, an answer, four more failures: wrong. From the fifth in a row on: errors, to be gone on with.
    assert server.asked == 8
    assert [f is not None for f in failures(log)] == [True, True, False, True, True, True, True] + [False] * 5
    assert len(errors(log)) == 5
    assert all("start again" in message for message in errors(log))
    assert all(SECRET not in message for message in errors(log))


def test_few_shot_shows_examples_of_the_training_file_and_not_the_patient(
    run: Run, server: ChatServer, write: Callable[..., Path], row: Callable[..., Any]
) -> None:
    rows = [row(case_id=f"t-{n}", chief_complaint=f"cough {n}", acuity=str(n % 5 + 1)) for n in range(9)]
    rows.append(row(case_id="k-0", chief_complaint="Zebulon Quartermain fell", acuity="1"))
    train = write(rows, "train.csv")
    for strategy in ("few-shot", "retrieved-few-shot"):
        log = run([level(3)], strategy=strategy, options={"train": str(train), "k": 6})
        assert [a["label"] for a in answers(log)] == ["3"]
        question = server.bodies[-1]["messages"][0]["content"]
        assert question.count("Level: ") == 6
        assert question.count("cough") == 6
        assert question.count("Quartermain") == 1


def test_options_that_do_not_go_together_are_refused_before_anything_runs(tmp_path: Path) -> None:
    for arguments, words in [
        (("one-shot", "ESI"), "zero-shot"),
        (("zero-shot", "MTS"), "SEMIGRAN"),
        (("few-shot", "ESI"), "training file"),
        (("few-shot", "ESI", str(tmp_path / "none.csv")), r"none\.csv"),
        (("zero-shot", "ESI", "train.csv"), "takes no examples"),
        (("few-shot", "ESI", __file__, 0), "1 or more"),
    ]:
        with pytest.raises(PromptError, match=words):
            solver(*arguments)


@pytest.mark.parametrize("value", [None, "", "{}", {"facts": [SECRET]}, 3])
def test_a_sample_without_a_record_is_an_error_that_quotes_nothing(value: object) -> None:
    with pytest.raises(PromptError, match="under 'record'") as raised:
        record_of({"record": value})
    assert SECRET not in str(raised.value)


def test_a_record_is_read_as_text_and_as_an_object(record: Record) -> None:
    whole = record()
    assert record_of({"record": whole.model_dump_json()}) == whole
    assert record_of({"record": whole.model_dump(mode="json")}) == whole
    assert record_of({"record": json.loads(whole.model_dump_json())}) == whole
