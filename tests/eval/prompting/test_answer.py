"""Reading a level: tolerant of form, strict about what is said. Anything unclear is no level."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from eval.prompting import Answer, Failure, read_answer

FIVE = ("1", "2", "3", "4", "5")
CLASSES = ("em", "ne", "sc")
prose = st.text(alphabet=st.characters(blacklist_categories=["Cs"], blacklist_characters="{}"), max_size=200)
no_digits = st.text(alphabet="abcdefghijk lmnopqrstuvwxyz,.\n", max_size=200)


@pytest.mark.parametrize(
    "text",
    [
        '{"level": 3, "reason": "x"}',
        '{"reason": "level 2 was thought of", "level": 3}',
        '{"level": "3"}',
        '{"level": 3.0}',
        '```json\n{"level": 3, "reason": "x"}\n```',
        'I think of 2 first.\n{"reasoning": "a {b} c", "level": 3}',
        "3",
        " **3** ",
        "Level: 3",
        "level = 3",
        "**Level:** 3",
        "Final answer: 3",
        "ESI level: 3.",
        "The level is 3",
        "Level 2 was considered but the signs are normal.\n\nLevel: 3",
        "1. No danger\n2. Reflux\n3. None\n\nFinal answer: **Level 3**",
        "I would assign ESI level 3 because the patient is stable.",
        "This patient is KTAS 3.",
        "Triage level 3",
    ],
)
def test_a_level_named_clearly_once_is_read(text: str) -> None:
    answer = read_answer(text, FIVE)
    assert (answer.label, answer.level, answer.failure) == ("3", 3, None)


@pytest.mark.parametrize(
    ("text", "failure"),
    [
        ("", Failure.EMPTY),
        ("  \n", Failure.EMPTY),
        ("``` ```", Failure.NO_LEVEL),
        ("The patient is stable.", Failure.NO_LEVEL),
        ("Level: 7", Failure.NO_LEVEL),
        ("Level: 0", Failure.NO_LEVEL),
        ("Level: 35", Failure.NO_LEVEL),
        ("Level: 3.5", Failure.NO_LEVEL),
        ("Level: three", Failure.NO_LEVEL),
        ("0.3", Failure.NO_LEVEL),
        ("Level 2 or level 3", Failure.SEVERAL),
        ("Level 2-3", Failure.NO_LEVEL),
        ("It is level 2 or 3.", Failure.NO_LEVEL),
        ("This is not level 2.", Failure.NO_LEVEL),
        ("It isn't level 2.", Failure.NO_LEVEL),
        ("more urgent than level 3", Failure.NO_LEVEL),
        ("between level 3 and the next", Failure.NO_LEVEL),
        ("level 4/5", Failure.NO_LEVEL),
        ("Is it level 3?", Failure.NO_LEVEL),
        ("Level: 2\nLevel: 3", Failure.SEVERAL),
        ("the oxygen level is 94", Failure.NO_LEVEL),
        ("Pain is 3.", Failure.NO_LEVEL),
        ('{"level": 7}', Failure.NO_LEVEL),
        ('{"level": null}', Failure.NO_LEVEL),
        ('{"level": true}', Failure.NO_LEVEL),
        ('{"level": [3]}', Failure.NO_LEVEL),
        ('{"level": 3.5}', Failure.NO_LEVEL),
        ('{"acuity": 3}', Failure.NO_LEVEL),
        ('{"level": 2, "level": 3}', Failure.SEVERAL),
        ('{"level": 2}\n{"level": 3}', Failure.SEVERAL),
        ('{"level": 3, "reason": "the pat', Failure.CUT_OFF),
        ('Here it is: {"level": 3, "reason": "the pat', Failure.CUT_OFF),
        ('{"level": 3', Failure.CUT_OFF),
        ("{", Failure.CUT_OFF),
        ('[{"level": 3}, {"level": 4}]', Failure.SEVERAL),
    ],
)
def test_anything_else_is_no_level_and_says_why(text: str, failure: Failure) -> None:
    assert read_answer(text, FIVE) == Answer(failure=failure)


def test_text_that_was_cut_off_may_be_going_on_to_another_level() -> None:
    assert read_answer("Level: 3", FIVE, cut_off=True).failure is Failure.CUT_OFF
    assert read_answer("", FIVE, cut_off=True).failure is Failure.CUT_OFF
    assert read_answer('{"level": 3}', FIVE, cut_off=True).label == "3"


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ('{"level": "em", "reason": "x"}', "em"),
        ('{"level": "NE"}', "ne"),
        ("sc", "sc"),
        ("Class: em", "em"),
        ("Level: **sc**", "sc"),
    ],
)
def test_classes_are_read_in_their_own_words(text: str, label: str) -> None:
    assert read_answer(text, CLASSES).label == label


def test_a_class_stands_for_a_level() -> None:
    assert [read_answer(label, CLASSES).level for label in CLASSES] == [2, 4, 5]


@pytest.mark.parametrize("text", ["Go to the emergency department.", "Level: 3", "em or ne", '{"level": 1}'])
def test_what_is_no_class_is_none(text: str) -> None:
    assert read_answer(text, CLASSES).failure is Failure.NO_LEVEL


@given(text=st.text(max_size=300), cut_off=st.booleans())
@example(text="{" * 5000, cut_off=False)
@example(text='{"a":' * 3000, cut_off=False)
@example(text="level " * 3000, cut_off=False)
@example(text="level is of " * 3000, cut_off=False)
def test_any_text_gives_a_label_of_the_scale_or_a_failure(text: str, cut_off: bool) -> None:
    for labels in (FIVE, CLASSES):
        answer = read_answer(text, labels, cut_off=cut_off)
        assert (answer.label in labels) != (answer.failure is not None)


@given(level=st.integers(1, 5), reason=st.text(max_size=200), indent=st.sampled_from([None, 2]))
def test_a_whole_object_is_read_whatever_its_reason_says(level: int, reason: str, indent: int | None) -> None:
    text = json.dumps({"level": level, "reason": reason}, indent=indent)
    answer = read_answer(text, FIVE)
    assert (answer.level, answer.reason) == (level, reason or None)


@given(level=st.integers(1, 5), reason=st.text(max_size=60), data=st.data())
def test_no_beginning_of_an_object_is_an_answer(level: int, reason: str, data: st.DataObject) -> None:
    text = json.dumps({"level": level, "reason": reason}, ensure_ascii=data.draw(st.booleans()))
    shorter = text[: data.draw(st.integers(1, len(text) - 1))]
    assert read_answer(shorter, FIVE) == Answer(failure=Failure.CUT_OFF)


@given(
    before=no_digits, level=st.integers(1, 5), name=st.sampled_from(["Level", "Final answer", "**Level**"])
)
def test_a_last_line_is_read_whatever_stands_before(before: str, level: int, name: str) -> None:
    assert read_answer(f"{before}\n{name}: {level}", FIVE).level == level


@given(one=st.integers(1, 5), other=st.integers(1, 5), between=no_digits)
def test_two_levels_in_words_are_none(one: int, other: int, between: str) -> None:
    answer = read_answer(f"It is level {one} {between} x level {other} for me", FIVE)
    if one != other:
        assert answer.failure is Failure.SEVERAL
    else:
        assert answer.level in {one, None}


@given(objects=st.lists(st.integers(1, 5), min_size=2, max_size=4), between=prose)
def test_objects_that_disagree_are_no_answer(objects: list[int], between: str) -> None:
    text = between.join(json.dumps({"level": level}) for level in objects)
    answer = read_answer(text, FIVE)
    assert answer.level == (objects[0] if len(set(objects)) == 1 else None)
