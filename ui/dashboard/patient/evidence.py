"""The evidence in full: the model's, apart from it the rules', then what was struck. Each sentence with its source."""

from collections.abc import Sequence

from data_schemas import RuleFinding, TriageAssessment
from ui.dashboard.look import Safe, chip, section, tag
from ui.dashboard.patient.exhibits import Exhibit, finding_of
from ui.dashboard.patient.words import in_a_sentence, label_of_evidence, rules_only, spoken
from ui.dashboard.strings import many, text, word

_TIERS = {"demand": "danger", "consider": "warn", "inform": "plain"}


def model_evidence(assessment: TriageAssessment, found: Sequence[Exhibit]) -> Safe:
    """What the model cited and the verifier let stand; how far it may be read as a cause is said with it."""
    mine = [exhibit for exhibit in found if exhibit.by_model and not exhibit.struck]
    label = label_of_evidence(assessment.identity)
    said: list[Safe] = []
    if rules_only(assessment):
        said.append(tag("p", text("patient.model-silent")))
    elif not mine:
        said.append(tag("p", text("patient.model-no-evidence")))
    else:
        said.append(tag("p", chip(label, "accent"), cls="pt-label"))
        if label == text("patient.evidence-label.supporting"):
            said.append(tag("p", text("patient.evidence-help"), cls="ed-soft"))
        said.append(_sentences(mine, assessment, ()))
    if assessment.model_level is not None:
        path = assessment.path
        said.insert(0, tag("p", text("patient.model-level", level=assessment.model_level)))
        if path is not None:
            said.append(
                tag(
                    "p",
                    text(
                        "patient.model-path",
                        life=_yes(path.life_saving),
                        high=_yes(path.high_risk),
                        resources=text("patient.two-or-more") if path.resources >= 2 else path.resources,
                        danger=_yes(path.danger_zone),
                    ),
                    cls="ed-soft",
                )
            )
    return section(text("patient.model-evidence"), *said)


def rule_findings(assessment: TriageAssessment, found: Sequence[Exhibit]) -> Safe:
    """What the rules found, whatever the model says, and the level that they alone would give."""
    screening = assessment.screening
    mine = [exhibit for exhibit in found if not exhibit.by_model and not exhibit.struck]
    mine.sort(key=lambda exhibit: _tier_rank(finding_of(exhibit, screening.findings)))
    alone = tag(
        "p", text("patient.rules-alone", level=screening.level), " ", spoken("span", screening.rationale)
    )
    body = _sentences(mine, assessment, screening.findings) if mine else tag("p", text("patient.no-rule"))
    return section(text("patient.rule-findings"), alone, body, _scores(assessment))


def struck(found: Sequence[Exhibit]) -> Safe | None:
    """What was refused: counted and shown as refused, never as evidence."""
    refused = [exhibit for exhibit in found if exhibit.struck]
    if not refused:
        return None
    lines = [
        tag(
            "li",
            chip(_check(exhibit), "danger"),
            tag(
                "div", spoken("del", exhibit.reason.text), spoken("p", exhibit.reason.struck or "", "ed-soft")
            ),
            cls="pt-struck",
        )
        for exhibit in refused
    ]
    return section(
        many("patient.struck", len(refused)),
        tag("p", text("patient.struck-help")),
        tag("ul", *lines, cls="pt-list"),
    )


def _sentences(
    found: Sequence[Exhibit], assessment: TriageAssessment, findings: Sequence[RuleFinding]
) -> Safe:
    return tag("ol", *(_sentence(exhibit, assessment, findings) for exhibit in found), cls="pt-list")


def _sentence(exhibit: Exhibit, assessment: TriageAssessment, findings: Sequence[RuleFinding]) -> Safe:
    reason, statement = exhibit.reason, exhibit.reason.statement
    rule = finding_of(exhibit, findings)
    chips = []
    if rule is not None:
        chips.append(chip(text(f"patient.tier.{rule.tier}", level=rule.level), _TIERS[rule.tier.value]))
    elif exhibit.argues_for is None:
        chips.append(chip(text("patient.argues-nothing"), "plain"))
    if exhibit.argues_for is not None and rule is None:
        same = exhibit.argues_for == assessment.level
        key = "patient.argues" if same else "patient.argues-other"
        chips.append(chip(text(key, level=exhibit.argues_for), "good" if same else "warn"))
    quotes = [
        tag(
            "span",
            tag("q", place.quote),
            " ",
            tag("small", _place(place.fact_id, place.path, place.start, place.end)),
        )
        for place in exhibit.places
    ]
    return tag(
        "li",
        tag("span", exhibit.number, cls="pt-number"),
        tag(
            "div",
            tag("div", spoken("b", statement.text if statement else reason.text), *chips, cls="pt-sentence"),
            spoken("div", reason.text, "pt-values") if statement and reason.text != statement.text else None,
            _places(quotes, folded=rule is not None),
            tag("div", text("patient.source", source=statement.source, id=statement.id), cls="pt-source")
            if statement
            else None,
        ),
        cls=f"pt-exhibit pt-e-{exhibit.number}",
        tabindex="0",
    )


def _places(quotes: Sequence[Safe], *, folded: bool) -> Safe | None:
    """Where it stands in the record; folded away below a rule, whose explanation has said the values."""
    if not quotes:
        return None
    places = tag("div", *quotes, cls="pt-places")
    return tag("details", tag("summary", text("patient.where")), places) if folded else places


def _place(fact_id: str, path: str, start: int | None, end: int | None) -> str:
    if start is None or end is None:
        return text("patient.place", fact=fact_id, path=path)
    return text("patient.place-characters", fact=fact_id, path=path, start=start, end=end)


def _scores(assessment: TriageAssessment) -> Safe | None:
    parts = []
    for score in assessment.screening.scores:
        if not score.applicable or score.value is None:
            continue
        value = f"{score.value.normalize():f}"
        words = text(
            "patient.score" if score.complete else "patient.score-least", name=score.name, value=value
        )
        lacking = ", ".join(in_a_sentence(word("fact", kind.value)) for kind in score.missing)
        if lacking:
            words = f"{words} {text('patient.score-missing', kinds=lacking)}"
        parts.append(
            tag("li", words, spoken("span", f" {score.band}") if score.band else None, title=score.source)
        )
    return (
        tag("div", tag("h3", text("patient.scores")), tag("ul", *parts), cls="pt-scores") if parts else None
    )


def _check(exhibit: Exhibit) -> str:
    by = exhibit.reason.struck_by
    return text("patient.check.unnamed") if by is None else text(f"patient.check.{by}")


def _yes(answer: bool) -> str:
    return text("patient.yes" if answer else "patient.no")


def _tier_rank(rule: RuleFinding | None) -> tuple[int, int]:
    order = list(_TIERS)
    return (len(order), 9) if rule is None else (order.index(rule.tier.value), rule.level)
