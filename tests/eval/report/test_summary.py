"""The summary's numbers are the result's, and it claims no difference that was not shown."""

import re

import pytest
from pydantic import BaseModel

from eval.comparison.result import Difference
from eval.report import words
from eval.report.document import Bullets, Paragraph
from eval.report.summary import summary

_NUMBER = re.compile(r"[−-]?\d[\d,]*(?:\.\d+)?")


def numbers_in(value):
    """Every number of a result, as it is."""
    if isinstance(value, BaseModel):
        value = {name: getattr(value, name) for name in type(value).model_fields}
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return [number for item in value for number in numbers_in(item)]
    return [float(value)] if isinstance(value, int | float) and not isinstance(value, bool) else []


def sentences(section):
    for block in section.blocks:
        if isinstance(block, Paragraph):
            yield block
        elif isinstance(block, Bullets):
            yield from block.items
    for inner in section.sections:
        yield from sentences(inner)


def test_every_number_of_the_summary_is_in_the_result(result):
    found = numbers_in(result)
    comparison = result.tasks[0].comparison
    half = [50 * (r.scores["accuracy"].high - r.scores["accuracy"].low) for r in comparison.rows]
    told = {
        1.0,
        2.0,
        3.0,
        4.0,
        5.0,
        95.0,
        0.0,
        float(sum(comparison.levels[:2])),
        len(result.tasks[0].models),
        *half,
    }
    pool = [*found, *(100 * value for value in found), *told]
    checked = 0
    for item in sentences(summary(result)):
        for text in _NUMBER.findall(item.text):
            value = abs(float(text.replace("−", "-").replace(",", "")))
            digits = len(text.partition(".")[2])
            assert any(abs(abs(other) - value) <= 0.5 * 10**-digits + 1e-9 for other in pool), (
                text,
                item.text,
            )
            checked += 1
    assert checked > 40


def test_a_difference_is_claimed_only_where_it_was_shown(result):
    said = next(item.text for item in sentences(summary(result)) if item.lead == "Right level, compared.")
    above, _, rest = said.partition("No difference to that is shown for ")
    assert "the fine-tuned SLM by" in above
    assert "the whole agent" not in above
    assert "the whole agent: " in rest


@pytest.mark.parametrize(
    ("low", "high", "p_holm", "wanted"),
    [
        (0.01, 0.05, 0.01, "higher"),
        (-0.05, -0.01, None, "lower"),
        (-0.01, 0.05, 0.3, "none"),
        (0.0, 0.05, 0.01, "none"),
        (0.01, 0.05, 0.2, "none"),
        (None, None, 0.01, "unknown"),
    ],
)
def test_direction(low, high, p_holm, wanted):
    item = Difference(value=0.02, low=low, high=high, p=0.01, p_holm=p_holm, test="t")
    assert words.direction(item) == wanted


def test_an_interval_that_leaves_zero_out_but_not_its_corrected_p_is_explained():
    item = Difference(value=0.05, low=0.01, high=0.09, p=0.02, p_holm=0.4, test="t")
    assert words.points(item, signed=True) == "+5.0 points (+1.0 to +9.0), p 0.400 after correction"


def test_numbers_in_words():
    assert words.number(-0.0001) == "0.000"
    assert words.number(-0.25, 2, signed=True) == "−0.25"
    assert words.count(3.0000000001) == "3"
    assert words.count(2.5) == "2.5"
    assert words.count(None) == "–"
    assert words.better("over_triage", "lower") is True
    assert words.better("accuracy", "lower") is False
    assert words.better("accuracy", "none") is None
