"""With what an assessment was made: enough to say later whether it can be replayed, and what has changed since."""

import hashlib
import platform
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from agents.context import AgentContext
from agents.store.canonical import canonical_json, digest
from agents.store.repository import MadeWith
from data_schemas import IntakeRecord, Screening
from data_schemas._base import Frozen
from triage.guidelines import GuidelineLibrary
from triage.slm.prompt import build_prompt

_RULES = ("esi", "scores", "text", "guidelines", "facts.py", "plausibility.py")
_RULES_LEFT_OUT = "statements"  # a folder of the guidelines: the library's own digest covers it
_STEPS = ("answer.py", "calibration.py", "guard.py", "prompt.py", "triager.py", "variants.py")
_SOURCES = (".py", ".yaml")


class Provenance(Frozen):
    """Digests are SHA-256 in hex; None is "not recorded".

    ``rules_sha256`` covers the program text of rules, scores and text reading; ``steps_sha256`` that of the
    agent's steps and of what reads the model's answer; ``library_sha256`` the guideline statements;
    ``prompt_sha256`` the whole text that the model was given. ``runtime`` and ``processor`` matter because equal
    bits are promised only on the same kind of processor.
    """

    program: str | None = None
    rules_sha256: str | None = None
    steps_sha256: str | None = None
    library_sha256: str | None = None
    prompt_sha256: str | None = None
    runtime: str | None = None
    processor: str | None = None


def provenance(
    context: AgentContext, record: IntakeRecord, screening: Screening, *, asked: bool
) -> Provenance:
    """With what an assessment is made here and now; the prompt only where the model was ``asked``."""
    return Provenance(
        program=_version("ed-triage-agent"),
        rules_sha256=rules_sha256(),
        steps_sha256=steps_sha256(),
        library_sha256=library_sha256(context.library),
        prompt_sha256=prompt_sha256(context, record, screening) if asked else None,
        runtime=_runtime(),
        processor=_processor(),
    )


def made_with(context: AgentContext, record: IntakeRecord, screening: Screening, *, asked: bool) -> MadeWith:
    """``provenance`` as the store keeps it."""
    return MadeWith(
        provenance=canonical_json(provenance(context, record, screening, asked=asked)),
        library_sha256=library_sha256(context.library),
        statements=statement_digests(context.library),
    )


def prompt_sha256(context: AgentContext, record: IntakeRecord, screening: Screening) -> str | None:
    """Digest of the model's prompt; None where a finding has no wording in the library."""
    try:
        prompt = build_prompt(record, screening, context.library.short, context.settings.scale)
    except KeyError:
        return None
    return digest(prompt.prefix + prompt.text)


@lru_cache(maxsize=4)
def statement_digests(library: GuidelineLibrary) -> Mapping[str, str]:
    """The digest of every statement, by id; its examples say nothing about a patient and are left out."""
    return {
        item.id: digest(canonical_json(item.model_dump(mode="json", exclude={"examples"})))
        for item in library
    }


def library_sha256(library: GuidelineLibrary) -> str:
    """Digest of a whole library with its ESI version."""
    return digest(canonical_json({"esi": library.version.value, "statements": statement_digests(library)}))


@lru_cache(maxsize=1)
def rules_sha256() -> str:
    """Digest of the program text of the rules; no version number that somebody forgets to raise."""
    root = files("triage")
    return _text_digest(root.joinpath(name) for name in _RULES)


@lru_cache(maxsize=1)
def steps_sha256() -> str:
    """Digest of the program text of the steps between the rules and the suggestion."""
    slm = files("triage.slm")
    return _text_digest([files("agents.nodes"), *(slm.joinpath(name) for name in _STEPS)])


def _text_digest(roots: Iterable[Traversable]) -> str:
    total = hashlib.sha256()
    for root in roots:
        for name, path in sorted(_sources(root, root.name)):
            total.update(f"{name}\n{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return total.hexdigest()


def _sources(path: Traversable, name: str) -> Iterator[tuple[str, Traversable]]:
    if path.is_file():
        if name.endswith(_SOURCES):
            yield name, path
        return
    for child in path.iterdir():
        if child.name != _RULES_LEFT_OUT:
            yield from _sources(child, f"{name}/{child.name}")


@lru_cache(maxsize=1)
def _runtime() -> str | None:
    found = _version("openvino")
    return None if found is None else f"openvino {found}"


@lru_cache(maxsize=1)
def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    return f"{platform.machine()} {model or platform.processor()}".strip()


@lru_cache(maxsize=4)
def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
