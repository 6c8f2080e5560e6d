"""Preference pairs: a right answer, and one that is more dangerous or rests on nothing."""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from triage.guidelines import GuidelineLibrary
from triage.slm.answer import MAX_CITED_STATEMENTS, format_answer, parse_answer
from triage.training.examples import path_for
from triage.training.preference.cases import PreferenceCase
from triage.training.preference.config import PreferenceConfig
from triage.training.preference.reward import JudgedCase, RewardWeights, grade

Origin = Literal["sampled", "less-urgent", "unsupported"]


@dataclass(frozen=True, slots=True)
class PreferencePair:
    """Two answers to one question, with their rewards. ``origin``: where the worse one comes from."""

    case: PreferenceCase
    chosen: str
    rejected: str
    chosen_reward: float
    rejected_reward: float
    origin: Origin


def build_pairs(
    cases: Sequence[PreferenceCase],
    samples: Sequence[Sequence[str]],
    library: GuidelineLibrary,
    config: PreferenceConfig,
) -> list[PreferencePair]:
    """At most one pair a case.

    The better answer is the best of the model's own and the mended target; of equals the model's own, which it need
    not be dragged to. The worse one is the worst of the model's own; where none is worse by ``min_gap``, a made-up
    one for a share of the cases.

    Args:
        cases: the questions.
        samples: the model's answers to each.
        library: says which citations stand.
        config: gaps, shares and the reward.
    """
    rng = random.Random(config.seed)  # noqa: S311 - sampling, not secrecy
    pairs = []
    for case, answers in zip(cases, samples, strict=True):
        pair = _pair(case, answers, library, config, rng)
        if pair is not None:
            pairs.append(pair)
    return pairs


def _pair(
    case: PreferenceCase,
    answers: Sequence[str],
    library: GuidelineLibrary,
    config: PreferenceConfig,
    rng: random.Random,
) -> PreferencePair | None:
    def worth(text: str) -> float:
        return grade(text, case.judged, library, config.reward).total

    target = mended_target(case, library, config.reward)
    own = sorted(((worth(text), text) for text in dict.fromkeys(answers)), reverse=True)
    chosen_reward, chosen = worth(target), target
    if own and own[0][0] >= chosen_reward:
        chosen_reward, chosen = own[0]
    origin: Origin = "sampled"
    if own and own[-1][0] <= chosen_reward - config.min_gap:
        rejected_reward, rejected = own[-1]
    else:
        made_up = [(worth(text), text, kind) for kind, text in worse_answers(chosen, case.judged)]
        made_up = [item for item in made_up if item[0] <= chosen_reward - config.min_gap]
        if not made_up or rng.random() >= config.constructed:
            return None
        rejected_reward, rejected, origin = rng.choice(made_up)
    return PreferencePair(case, chosen, rejected, chosen_reward, rejected_reward, origin)


def mended_target(case: PreferenceCase, library: GuidelineLibrary, weights: RewardWeights) -> str:
    """The training target without the statements that its own facts do not support."""
    target = case.example.target
    graded = grade(target, case.judged, library, weights)
    if graded.answer is None or not graded.unsupported:
        return target
    prompt = case.judged.prompt
    labels = [label for label, sid in prompt.statements.items() if sid in graded.supported]
    return format_answer(
        graded.answer.level, graded.answer.path, _fact_names(target, case.judged), labels, prompt
    )


def worse_answers(answer: str, case: JudgedCase) -> Iterator[tuple[Origin, str]]:
    """Made-up answers to hold against ``answer``: one level less urgent with a path to match, and the statements cited
    by one fact that may not carry them. Whether they are worse is for the reward to say.
    """
    parsed = parse_answer(answer, case.prompt)
    facts = _fact_names(answer, case)
    labels = [
        label
        for label, sid in case.prompt.statements.items()
        if any(citation.statement_id == sid for citation in parsed.citations)
    ]
    if parsed.level < 5:
        path = path_for(parsed.level + 1, case.screening, None)
        yield "less-urgent", format_answer(parsed.level + 1, path, facts, labels, case.prompt)
    every = list(case.prompt.statements)[:MAX_CITED_STATEMENTS]
    for name in case.prompt.facts if every else ():
        yield "unsupported", format_answer(parsed.level, parsed.path, [name], every, case.prompt)


def _fact_names(answer: str, case: JudgedCase) -> list[str]:
    cited = [c.fact_id for c in parse_answer(answer, case.prompt).citations if c.fact_id is not None]
    names = {fact_id: name for name, fact_id in case.prompt.facts.items()}
    return [names[fact_id] for fact_id in cited]


def summary(pairs: Sequence[PreferencePair]) -> dict[str, object]:
    """Counts for the run's record; nothing of a case."""
    gaps = [pair.chosen_reward - pair.rejected_reward for pair in pairs]
    return {
        "pairs": len(pairs),
        "origins": dict(sorted(Counter(pair.origin for pair in pairs).items())),
        "level_differs": sum(_level(pair.chosen) != _level(pair.rejected) for pair in pairs),
        "mean_gap": round(sum(gaps) / len(gaps), 3) if gaps else None,
    }


def _level(answer: str) -> str:
    return answer.partition("\n")[0]
