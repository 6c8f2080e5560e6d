"""The guideline library: which statements hold for a patient, and whether cited facts support one."""

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property, lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Self

import yaml
from pydantic import ValidationError

from data_schemas.acuity import EsiVersion
from data_schemas.intake import IntakeRecord
from triage.guidelines.examples import example_version, record_from
from triage.guidelines.search import Hit, TextIndex, ranked
from triage.guidelines.statement import Match, Statement, Support
from triage.guidelines.truth import Truth
from triage.guidelines.view import RecordView


class GuidelineError(ValueError):
    """A statement file cannot be used; the message names the file, the statement and the field."""


class GuidelineLibrary:
    """The statements of one ESI version, with a hospital's own where it has added some.

    Use ``load``; it reads and checks every statement.
    """

    def __init__(self, statements: Iterable[Statement], version: EsiVersion) -> None:
        self.version = version
        self._by_id: dict[str, Statement] = {
            item.id: item for item in statements if version in item.scope.esi
        }

    @classmethod
    def load(cls, version: EsiVersion = EsiVersion.V5, extra: Path | None = None) -> Self:
        """The shipped statements of ``version``, and those of the folder ``extra`` (``*.yaml``).

        Raises:
            GuidelineError: a file cannot be read, a field is wrong, an id is taken or an example does not hold.
        """
        statements = list(_shipped())
        if extra is not None:
            if not extra.is_dir():
                raise GuidelineError(f"{extra}: is not a folder; give one that holds *.yaml statement files")
            taken = {item.id for item in statements}
            added = read_statements(extra, taken=taken)
            if not added:
                raise GuidelineError(
                    f"{extra}: holds no statement; give a folder with *.yaml statement files"
                )
            for item in added:
                for problem in example_problems(item):
                    raise GuidelineError(f"{extra}: {item.id}: examples: {problem}")
            statements += added
        return cls(statements, version)

    def __len__(self) -> int:
        return len(self._by_id)

    def __iter__(self) -> Iterator[Statement]:
        return iter(self._by_id.values())

    @property
    def short(self) -> dict[str, str]:
        """The prompt's wording of each statement, by id."""
        return {item.id: item.short for item in self}

    def by_id(self, statement_id: str) -> Statement | None:
        """The statement with this id, or None."""
        return self._by_id.get(statement_id)

    def applicable(self, record: IntakeRecord) -> tuple[Match, ...]:
        """The statements that are about this patient and hold, in the library's order."""
        view = RecordView(record, self.version)
        matches = (self._match(item, view) for item in self)
        return tuple(match for match in matches if match is not None)

    def search(
        self, text: str = "", record: IntakeRecord | None = None, *, limit: int = 10
    ) -> tuple[Hit, ...]:
        """Statements of this version: those that hold for ``record``, then by the words of ``text``; ties by level, id.

        Statements about patients whom ``record`` is known not to be (age, sex, pregnancy) are left out whatever their
        text; where that is not known they stay, and say so. Without a record everything is searched.

        Raises:
            ValueError: ``limit`` is below 1.
        """
        if limit < 1:
            raise ValueError(f"limit is {limit}; at least one statement must be asked for")
        scores = self._text_index.scores(text)
        view = None if record is None else RecordView(record, self.version)
        hits = []
        for item in self:
            if record is not None and item.scope.excludes(record):
                continue
            match = None if view is None else self._match(item, view)
            score = scores.get(item.id, 0.0)
            if match is not None or score > 0:
                still_open = None if record is None else item.scope.refusal(record, self.version)
                hits.append(Hit(item, score, match, still_open))
        return ranked(hits)[:limit]

    @cached_property
    def _text_index(self) -> TextIndex:
        return TextIndex(self)

    def supports(self, statement: Statement, record: IntakeRecord, fact_ids: Sequence[str]) -> Support:
        """Whether ``statement`` is about this patient and the cited facts alone make its condition hold.

        Age, sex and pregnancy are always known; an exclusion is looked up in the whole record.
        """
        absent = [fact_id for fact_id in fact_ids if record.fact(fact_id) is None]
        if absent:
            return Support(ok=False, why=f"the record has no fact {', '.join(absent)}")
        refusal = statement.scope.refusal(record, self.version)
        if refusal is not None:
            return Support(ok=False, why=f"{statement.id} does not apply: {refusal}")
        full = RecordView(record, self.version)
        cited = RecordView(record, self.version, only=frozenset(fact_ids))
        outcome = statement.condition.evaluate(cited, full)
        if outcome.truth is Truth.TRUE:
            return Support(ok=True, why="; ".join(outcome.explanation))
        if statement.condition.evaluate(full, full).truth is Truth.TRUE:
            return Support(ok=False, why=f"{statement.id} holds, but not by the facts cited")
        if outcome.truth is Truth.UNKNOWN:
            return Support(ok=False, why=f"{statement.id} needs a fact that was not cited or is not known")
        return Support(ok=False, why=f"{statement.id} does not hold on the facts cited")

    def _match(self, statement: Statement, view: RecordView) -> Match | None:
        if statement.scope.refusal(view.record, self.version) is not None:
            return None
        outcome = statement.condition.evaluate(view, view)
        if outcome.truth is not Truth.TRUE:
            return None
        return Match(
            statement=statement,
            fact_ids=outcome.fact_ids,
            explanation="; ".join(outcome.explanation),
            spans=outcome.spans,
        )


def read_statements(folder: Path | Traversable, taken: Iterable[str] = ()) -> list[Statement]:
    """Every statement of the ``*.yaml`` files in ``folder``, in order of file name.

    Raises:
        GuidelineError: naming the file, the statement's id and the field that is wrong.
    """
    seen = set(taken)
    statements: list[Statement] = []
    for path in sorted(folder.iterdir(), key=lambda item: item.name):
        if not path.name.endswith(".yaml"):
            continue
        for position, entry in enumerate(_entries(path), start=1):
            statement = _statement(path.name, position, entry)
            if statement.id in seen:
                raise GuidelineError(f"{path.name}: {statement.id}: id: is taken by another statement")
            seen.add(statement.id)
            statements.append(statement)
    return statements


def example_problems(statement: Statement) -> tuple[str, ...]:
    """What is wrong with a statement's own examples; empty where all come out as they say."""
    problems = []
    for expected, examples in ((True, statement.examples.holds), (False, statement.examples.fails)):
        for compact in examples:
            version = example_version(compact, statement.scope.esi[-1])
            try:
                record = record_from(compact)
            except ValueError as error:
                problems.append(f"{compact}: {error}")
                continue
            if bool(GuidelineLibrary([statement], version).applicable(record)) is not expected:
                problems.append(f"{compact} should {'hold' if expected else 'not hold'}")
    return tuple(problems)


@lru_cache(maxsize=1)
def _shipped() -> tuple[Statement, ...]:
    return tuple(read_statements(files("triage.guidelines") / "statements"))


def _entries(path: Path | Traversable) -> list[dict[str, Any]]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        data = yaml.load(path.read_text(encoding="utf-8"), Loader=loader)  # noqa: S506 - a safe loader
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
        raise GuidelineError(f"{path.name}: cannot be read as YAML: {error}") from error
    if not isinstance(data, list) or not all(isinstance(entry, dict) for entry in data):
        raise GuidelineError(f"{path.name}: must be a list of statements, each a mapping")
    return data


def _statement(name: str, position: int, entry: dict[str, Any]) -> Statement:
    try:
        return Statement.model_validate(entry)
    except ValidationError as error:
        label = entry.get("id", f"statement number {position}")
        lines = [
            f"{name}: {label}: {'.'.join(str(part) for part in item['loc']) or 'statement'}: {item['msg']}"
            for item in error.errors()
        ]
        raise GuidelineError("\n".join(lines)) from error
