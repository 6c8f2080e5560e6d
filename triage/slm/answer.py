"""The answer: its grammar, its parser, and the same text as a training target.

The level comes first, straight after the prompt, so that its five probabilities are those of the whole question
and not of a path that happened to be decoded before (docs/decisions/0001-level-first.md). Then the decision
path, the facts and the statements that support it, each a choice among what the prompt showed.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from data_schemas import Citation, DecisionPath
from triage.slm.errors import AnswerError
from triage.slm.prompt import Prompt

LEAD = "Level: "
MAX_FACTS = 4
MAX_CITED_STATEMENTS = 2

_ANSWER = re.compile(
    r"Level: (?P<level>[1-5])\nA (?P<a>yes|no) B (?P<b>yes|no) C (?P<c>[0-2]) D (?P<d>yes|no)\n"
    r"Facts:(?P<facts>(?: [A-Za-z]+\d*)+)(?:\nGuidelines:(?P<statements> none|(?: G\d+)+))?"
)


@dataclass(frozen=True, slots=True)
class ParsedAnswer:
    """The parts of an answer; ``citations`` in the order given, without repeats."""

    level: int
    path: DecisionPath
    citations: tuple[Citation, ...]


def answer_regex(prompt: Prompt) -> str:
    """The regular expression of every answer allowed to ``prompt``: it can cite only what was shown.

    Raises:
        AnswerError: the prompt shows no fact at all; the rules must answer alone.
    """
    if not prompt.facts:
        raise AnswerError("the record holds no fact that the model could cite")
    facts = "|".join(prompt.facts)
    regex = rf"Level: [1-5]\nA (yes|no) B (yes|no) C [0-2] D (yes|no)\nFacts:( ({facts})){{1,{MAX_FACTS}}}"
    if prompt.statements:
        labels = "|".join(prompt.statements)
        regex += rf"\nGuidelines:( none|( ({labels})){{1,{MAX_CITED_STATEMENTS}}})"
    return regex


def parse_answer(text: str, prompt: Prompt) -> ParsedAnswer:
    """Read an answer back.

    Raises:
        AnswerError: the text is not in the grammar, or cites something the prompt did not show.
    """
    match = _ANSWER.fullmatch(text)
    if match is None:
        raise AnswerError("the answer is not in the grammar")
    facts = dict.fromkeys(match["facts"].split())
    cited = match["statements"] or " none"
    labels = {} if cited == " none" else dict.fromkeys(cited.split())
    if not facts.keys() <= prompt.facts.keys() or not labels.keys() <= prompt.statements.keys():
        raise AnswerError("the answer cites something that the prompt did not show")
    return ParsedAnswer(
        level=int(match["level"]),
        path=DecisionPath(
            life_saving=match["a"] == "yes",
            high_risk=match["b"] == "yes",
            resources=int(match["c"]),
            danger_zone=match["d"] == "yes",
        ),
        citations=(
            *(Citation(fact_id=prompt.facts[name]) for name in facts),
            *(Citation(statement_id=prompt.statements[label]) for label in labels),
        ),
    )


def format_answer(
    level: int, path: DecisionPath, facts: Iterable[str], labels: Iterable[str], prompt: Prompt
) -> str:
    """The answer as text: the training target, in the very grammar that is decoded.

    Args:
        level: 1 to 5.
        path: the decision path behind it.
        facts: names of facts as the prompt shows them, in the order to cite them in.
        labels: labels of statements, likewise.
        prompt: the question.
    """

    def word(flag: bool) -> str:
        return "yes" if flag else "no"

    text = (
        f"{LEAD}{level}\nA {word(path.life_saving)} B {word(path.high_risk)} C {path.resources} "
        f"D {word(path.danger_zone)}\nFacts:" + "".join(f" {name}" for name in list(facts)[:MAX_FACTS])
    )
    if prompt.statements:
        cited = list(labels)[:MAX_CITED_STATEMENTS]
        text += "\nGuidelines:" + ("".join(f" {label}" for label in cited) or " none")
    return text
