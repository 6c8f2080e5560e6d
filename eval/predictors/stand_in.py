"""An answer of which only the level is known, in the form that the agent takes."""

from data_schemas import DecisionPath, LevelProbabilities, ModelAnswer, ModelIdentity

_PATHS = {
    1: DecisionPath(life_saving=True, high_risk=False, resources=2, danger_zone=False),
    2: DecisionPath(life_saving=False, high_risk=True, resources=2, danger_zone=False),
    3: DecisionPath(life_saving=False, high_risk=False, resources=2, danger_zone=False),
    4: DecisionPath(life_saving=False, high_risk=False, resources=1, danger_zone=False),
    5: DecisionPath(life_saving=False, high_risk=False, resources=0, danger_zone=False),
}


def level_answer(probabilities: LevelProbabilities, identity: ModelIdentity) -> ModelAnswer:
    """The most likely level, with the path that the level implies and no citation.

    For evaluation only: the path was not decoded, so it must never be shown as the model's.
    """
    level = probabilities.most_likely
    return ModelAnswer(
        level=level,
        probabilities=probabilities,
        path=_PATHS[level],
        citations=(),
        identity=identity,
        prompt_tokens=0,
        answer_tokens=0,
        seconds=0.0,
    )
