"""The whole agent over vLLM against vLLM's own benchmark and against `transformers`, in one run on one machine.

    .venv/bin/python benchmarks/served.py [--cases 32] [--concurrency 1 8 16 32] [--max-num-seqs 32]
        [--transformers .venv-train/bin/python | --no-transformers]

Sample patients, with ages changed so that no pass finds another one's prompts in the prefix cache. Each pass of the
agent (read in, screen, ask, verify, reconcile, records on disk; no FHIR server, no second look) is followed by
`vllm bench serve` on the same server at the same concurrency: prompts of the same patients at other ages, the answer's
grammar, the logprobs, and no more decoded tokens than the agent's longest answer. The one difference is that its
grammar is the same for every request (the agent's names each patient's own facts), which can only make it quicker.
Its own prompts are read with pandas, which the server's environment lacks: fetched for the run. `transformers`
generates the answers to the last pass's prompts one after another in float32, with exactly each case's number of
tokens. Small numbers of cases are noisy: 32 and more.
"""

import argparse
import asyncio
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import httpx

from data_schemas import FactKind, IntakeRecord
from eval import sample_cases
from integrations.assembly import load_calibration, open_agent, open_engine, rules
from integrations.settings import ModelSettings, Settings
from triage.guidelines import GuidelineLibrary
from triage.slm import Engine, EngineAnswer, EngineIdentity, EngineRequest, Triager, resolve_adapter
from triage.slm.answer import LEAD, answer_regex
from triage.slm.fetch import cache_folder, fetch_base_model
from triage.slm.prompt import FACT_NAMES, MAX_STATEMENTS, PREFIX, Prompt, build_prompt
from triage.slm.serving import (
    DEFAULT_VENV,
    VLLM_VERSION,
    ModelServer,
    ServeOptions,
    served_folder,
    start_server,
)
from triage.slm.vllm import Tokens

PATIENT = 3600.0

SEQUENTIAL = """
import json, sys, time, torch, transformers
folder, prompts, threads = sys.argv[1:4]
torch.set_num_threads(int(threads))
tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
seconds = []
with torch.inference_mode():
    for line in [None, *open(prompts)]:
        case = json.loads(line) if line else {"prompt": "warm up", "output_tokens": 4}
        asked = tokenizer(case["prompt"], add_special_tokens=False, return_tensors="pt")
        began = time.perf_counter()
        n = case["output_tokens"]
        model.generate(**asked, do_sample=False, max_new_tokens=n, min_new_tokens=n)
        seconds.append(time.perf_counter() - began)
print(json.dumps({"seconds": sum(seconds[1:]), "version": transformers.__version__, "torch": torch.__version__}))
"""


class Counting:
    """An engine that notes how many tokens each whole answer took."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.prompt_tokens: list[int] = []
        self.answer_tokens: list[int] = []

    @property
    def identity(self) -> EngineIdentity:
        return self._engine.identity

    async def answer(self, request: EngineRequest) -> EngineAnswer:
        answer = await self._engine.answer(request)
        self.prompt_tokens.append(answer.prompt_tokens)
        self.answer_tokens.append(answer.answer_tokens + 1)  # the end is decoded, too
        return answer

    async def levels(self, requests: Sequence[EngineRequest]) -> list[EngineAnswer]:
        return await self._engine.levels(requests)

    async def close(self) -> None:
        await self._engine.close()


@dataclass
class Pass:
    rate: float
    seconds: list[float]
    prompt_tokens: list[int]
    answer_tokens: list[int]
    hits: float
    queries: float
    without_model: int


def patients(count: int, variant: int) -> list[IntakeRecord]:
    """Sample patients of other ages; no two passes share more of a prompt than its first line."""
    records = [case.record for case in sample_cases() if case.record.first(FactKind.AGE) is not None]
    found = []
    for number in range(count):
        record = records[number % len(records)]
        age = Decimal(18 + (variant * 11 + number // len(records) * 5 + number) % 70)
        facts = tuple(
            fact.model_copy(update={"value": age, "unit": "a", "text": f"{age} years"})
            if fact.kind is FactKind.AGE
            else fact
            for fact in record.facts
        )
        key = f"benchmark|Encounter/{variant}-{number}"
        found.append(record.model_copy(update={"facts": facts, "encounter_key": key}))
    return found


async def agent_pass(settings: Settings, records: list[IntakeRecord], concurrency: int) -> Pass:
    engine = Counting(open_engine(settings))
    library = GuidelineLibrary.load(settings.esi_version)
    model = (Triager(engine, library.short, settings.scale), load_calibration(settings))
    slots, seconds, without = asyncio.Semaphore(concurrency), [], 0

    async with open_agent(settings, model=model) as agent:

        async def one(record: IntakeRecord) -> None:
            nonlocal without
            async with slots:
                began = time.perf_counter()
                case = await agent.service.assess(record)
                seconds.append(time.perf_counter() - began)
            without += case.assessment is None or case.assessment.identity is None

        before, began = cache_counts(settings.model.url), time.perf_counter()
        await asyncio.gather(*(one(record) for record in records))
        wall, after = time.perf_counter() - began, cache_counts(settings.model.url)
    await engine.close()
    hits, queries = (b - a for a, b in zip(before, after, strict=True))
    return Pass(
        len(records) / wall, seconds, engine.prompt_tokens, engine.answer_tokens, hits, queries, without
    )


def cache_counts(url: str) -> tuple[float, float]:
    """Tokens found in the prefix cache, and tokens looked for, since the server started."""
    text = httpx.get(f"{url}/metrics", trust_env=False).text
    hits, queries = (
        sum(map(float, re.findall(rf"^vllm:prefix_cache_{name}_total\{{.*\}} (\S+)$", text, re.M)))
        for name in ("hits", "queries")
    )
    return hits, queries


def write_prompts(path: Path, records: list[IntakeRecord], lengths: list[int], settings: Settings) -> None:
    library = GuidelineLibrary.load(settings.esi_version)
    screen = rules(library)
    with path.open("w") as file:
        for record, length in zip(records, lengths, strict=True):
            prompt = build_prompt(record, screen(record, settings.esi_version), library.short, settings.scale)
            text = prompt.prefix + prompt.text + LEAD
            file.write(json.dumps({"prompt": text, "output_tokens": length}) + "\n")


def fetched_pandas(folder: Path) -> Path:
    """What `vllm bench serve` reads its own prompts with, apart from every environment."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(folder)]
    subprocess.run([*command, "-c", "constraints.txt", "pandas", "python-dateutil", "six"], check=True)
    return folder


def any_answer() -> str:
    """The grammar of an answer to a prompt with as many facts and statements as there can be."""
    facts = dict.fromkeys(FACT_NAMES.values(), "")
    statements = {f"G{number}": "" for number in range(1, MAX_STATEMENTS + 1)}
    return answer_regex(Prompt(prefix="", text="", facts=facts, statements=statements))


@dataclass
class Own:
    """What vLLM's own benchmark found."""

    rate: float
    asked: float
    decoded: float


def vllm_bench(
    server: ModelServer, venv: Path, prompts: Path, regex: str, longest: int, concurrency: int
) -> Own:
    """Requests a second by vLLM's own benchmark, on the prompts of a file."""
    result = prompts.with_suffix(".own.json")
    count = len(prompts.read_text().splitlines())
    body = {
        "structured_outputs": {"regex": regex},
        "logprobs": 5,
        "stop_token_ids": [Tokens.of_file(server.folder).end],
        "add_special_tokens": False,
    }
    command = [str(venv / "bin" / "python"), "-m", "vllm.entrypoints.cli.main", "bench", "serve"]
    command += ["--backend", "openai", "--base-url", server.url, "--endpoint", "/v1/completions"]
    command += ["--model", server.name, "--tokenizer", str(server.folder)]
    command += ["--dataset-name", "custom", "--dataset-path", str(prompts), "--skip-chat-template"]
    command += ["--custom-output-len", str(longest), "--disable-shuffle", "--no-oversample"]
    command += ["--num-prompts", str(count), "--max-concurrency", str(concurrency)]
    command += ["--temperature", "0", "--extra-body", json.dumps(body), "--disable-tqdm", "--save-result"]
    command += ["--result-dir", str(result.parent), "--result-filename", result.name]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("VLLM_", "TRIAGE_"))}
    environment = {
        **kept,
        "PYTHONPATH": str(prompts.parent / "pandas"),
        "OPENAI_API_KEY": server.api_key or "",
        "HF_HUB_OFFLINE": "1",
        "VLLM_NO_USAGE_STATS": "1",
    }
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if ended.returncode or not result.is_file():
        raise SystemExit(f"vllm bench serve failed: {ended.stdout[-1500:]} {ended.stderr[-1500:]}")
    found = json.loads(result.read_text())
    if found["completed"] != count:
        raise SystemExit(f"vllm bench serve answered {found['completed']} of {count}")
    return Own(
        float(found["request_throughput"]),
        found["total_input_tokens"] / count,
        found["total_output_tokens"] / count,
    )


def sequential(python: Path, folder: Path, prompts: Path, count: int) -> tuple[float, str]:
    """Cases a second of `generate`, one after another, and the versions."""
    threads = str(len(os.sched_getaffinity(0)))
    command = [str(python), "-c", SEQUENTIAL, str(folder), str(prompts), threads]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"transformers failed: {done.stderr[-1500:]}")
    found = json.loads(done.stdout.strip().splitlines()[-1])
    return count / found["seconds"], f"transformers {found['version']}, torch {found['torch']}"


def quantile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]


def run(given: argparse.Namespace, scratch: Path) -> None:
    venv = Path(DEFAULT_VENV).absolute()
    folder = served_folder(cache_folder(), fetch_base_model(), resolve_adapter("default"))
    options = ServeOptions(port=0, max_num_seqs=given.max_num_seqs)
    server = start_server(folder, options, log=scratch / "vllm.log", venv=venv, api_key="of-the-benchmark")
    regex = any_answer()
    fetched_pandas(scratch / "pandas")
    try:
        passes, own = {}, {}
        for number, concurrency in enumerate(given.concurrency):
            model = ModelSettings(
                engine="vllm", url=server.url, api_key=server.api_key, concurrency=concurrency,
                queue_size=given.cases + 1, queue_seconds=PATIENT, request_seconds=PATIENT,
                timeout_seconds=PATIENT, second_look_seconds=0,
            )  # fmt: skip
            settings = Settings(data_dir=scratch / str(concurrency), model=model)
            done = asyncio.run(agent_pass(settings, patients(given.cases, 2 * number), concurrency))
            if done.without_model:
                raise SystemExit(f"{done.without_model} cases were assessed without the model")
            passes[concurrency] = done
            prompts = scratch / f"prompts-{concurrency}.jsonl"
            write_prompts(prompts, patients(given.cases, 2 * number), done.answer_tokens, settings)
            others = scratch / f"others-{concurrency}.jsonl"
            write_prompts(others, patients(given.cases, 2 * number + 1), done.answer_tokens, settings)
            longest = max(done.answer_tokens)
            own[concurrency] = vllm_bench(server, venv, others, regex, longest, concurrency)
            print(f"concurrency {concurrency} done", file=sys.stderr)
    finally:
        server.stop()
    alone, versions = None, "transformers not run"
    if given.transformers is not None:
        alone, versions = sequential(given.transformers, folder, prompts, given.cases)
    report(given, passes, own, alone, versions, server)


def report(
    given: argparse.Namespace,
    passes: dict[int, Pass],
    own: dict[int, Own],
    alone: float | None,
    versions: str,
    server: ModelServer,
) -> None:
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    )
    names = re.findall(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.M)
    print(
        f"{names[0] if names else platform.machine()}, {len(os.sched_getaffinity(0))} cores ({server.device})"
    )
    print(
        f"commit {commit.stdout.strip()}, Python {platform.python_version()}, vLLM {VLLM_VERSION}, {versions}"
    )
    every = list(passes.values())
    asked = statistics.mean(tokens for done in every for tokens in done.prompt_tokens)
    decoded = statistics.mean(tokens for done in every for tokens in done.answer_tokens)
    print(
        f"{server.name}\n{given.cases} cases a pass; {asked:.0f} tokens asked and {decoded:.0f} decoded on average\n"
    )
    print("at once   agent cases/s   vLLM's own   share   p50 s   p95 s   against transformers one by one")
    for concurrency, done in passes.items():
        times = f"{done.rate / alone:.1f} times" if alone else ""
        print(
            f"{concurrency:>7}   {done.rate:13.2f}   {own[concurrency].rate:10.2f}   "
            f"{done.rate / own[concurrency].rate:5.0%}   {quantile(done.seconds, 0.5):5.2f}   "
            f"{quantile(done.seconds, 0.95):5.2f}   {times}"
        )
    asked_own = statistics.mean(found.asked for found in own.values())
    decoded_own = statistics.mean(found.decoded for found in own.values())
    print(f"vLLM's own benchmark: {asked_own:.0f} tokens asked and {decoded_own:.0f} decoded on average")
    if alone:
        print(f"transformers, one after another: {alone:.2f} cases/s")
    constant = len(Tokens.of_file(server.folder).tokenizer.encode(PREFIX, add_special_tokens=False).ids)
    hits, queries = sum(done.hits for done in every), sum(done.queries for done in every)
    answers = sum(len(done.answer_tokens) for done in every)
    print(
        f"prefix cache: {hits:.0f} of {queries:.0f} tokens ({hits / max(queries, 1):.1%}); {hits / answers:.1f} a "
        f"question, of {constant} in the constant part ({hits / answers / constant:.0%})"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cases", type=int, default=32)
    parser.add_argument("--concurrency", type=int, nargs="+", default=[1, 8, 16, 32])
    parser.add_argument("--max-num-seqs", type=int, default=32)
    parser.add_argument("--transformers", type=Path, default=Path(".venv-train/bin/python"))
    parser.add_argument("--no-transformers", dest="transformers", action="store_const", const=None)
    with tempfile.TemporaryDirectory(prefix="triage-served-") as made:
        run(parser.parse_args(), Path(made))
