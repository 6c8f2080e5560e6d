"""The predictions file: what is written is what is read, and what is wrong is named."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_schemas import LevelProbabilities
from eval.predictions import (
    COLUMNS,
    Prediction,
    PredictionsError,
    append_predictions,
    parse_predictions,
    read_predictions,
    write_predictions,
)

LEVEL = st.integers(1, 5)


@st.composite
def predictions(draw) -> Prediction:
    weights = draw(st.lists(st.floats(0.001, 1.0), min_size=5, max_size=5))
    p = tuple(weight / sum(weights) for weight in weights)
    first, last = sorted((draw(LEVEL), draw(LEVEL)))
    with_set = draw(st.booleans())
    name = draw(st.text(st.characters(blacklist_categories=("C", "Z")), min_size=1, max_size=8))
    return Prediction(
        case_id=name,
        predicted=draw(st.none() | LEVEL),
        probabilities=LevelProbabilities(p=p) if draw(st.booleans()) else None,
        most_urgent=first if with_set else None,
        least_urgent=last if with_set else None,
    )


@given(st.lists(predictions(), max_size=6, unique_by=lambda item: item.case_id))
def test_what_was_written_is_read(tmp_path_factory, items):
    path = tmp_path_factory.mktemp("p") / "predictions.csv"
    write_predictions(path, items)
    found = read_predictions(path)
    key = ("case_id", "predicted", "most_urgent", "least_urgent")
    assert [[getattr(i, k) for k in key] for i in found] == [[getattr(i, k) for k in key] for i in items]
    for one, other in zip(found, items, strict=True):
        assert (one.probabilities is None) == (other.probabilities is None)
        if one.probabilities and other.probabilities:
            assert one.probabilities.p == pytest.approx(other.probabilities.p, abs=1e-5)


def test_rows_added_bit_by_bit_are_the_same_file(tmp_path):
    items = [Prediction(case_id=str(number), predicted=number % 5 + 1) for number in range(7)]
    write_predictions(tmp_path / "whole.csv", items)
    for start in range(0, 7, 3):
        append_predictions(tmp_path / "bits.csv", items[start : start + 3])
    assert (tmp_path / "bits.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()


def test_a_failed_case_has_an_empty_level_and_its_error_stays_out(tmp_path):
    write_predictions(tmp_path / "p.csv", [Prediction(case_id="1", predicted=None, error="AnswerError")])
    assert (tmp_path / "p.csv").read_text().splitlines() == [",".join(COLUMNS), "1" + "," * 8]
    assert read_predictions(tmp_path / "p.csv")[0].predicted is None


def test_a_file_of_others_with_two_columns_is_read():
    found = parse_predictions("model,case_id,predicted\ngpt,a,2.0\ngpt,b,\n", "gpt.csv")
    assert [(item.case_id, item.predicted) for item in found] == [("a", 2), ("b", None)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("case_id,level\n1,2\n", "missing column predicted"),
        ("", "missing columns case_id, predicted"),
        ("case_id,predicted\n1,6\n", "line 2: predicted is not a level"),
        ("case_id,predicted\n1,urgent\n", "line 2: predicted is not a level"),
        ("case_id,predicted\n1,2\n1,3\n", "line 3: this case_id stands twice"),
        ("case_id,predicted\n ,2\n", "line 2: case_id is empty"),
        ("case_id,predicted\n1,2,3\n", "line 2: not as many cells"),
        ("case_id,predicted,p1,p2,p3,p4,p5\n1,2,.2,.2,.2,.2,.9\n", "p1 to p5 are not probabilities"),
        ("case_id,predicted,p1,p2,p3,p4,p5\n1,2,-.2,.4,.4,.4,0\n", "p1 to p5 are not probabilities"),
        ("case_id,predicted,p1,p2,p3,p4,p5\n1,2,nan,.2,.2,.2,.2\n", "p1 to p5 are not probabilities"),
        ("case_id,predicted,p1,p2,p3,p4,p5\n1,2,.5,.5,,,\n", "p1 to p5 are not all numbers"),
        ("case_id,predicted,most_urgent,least_urgent\n1,2,3,2\n", "most_urgent is the smaller"),
        ("case_id,predicted,most_urgent,least_urgent\n1,2,3,\n", "most_urgent and least_urgent"),
        ('case_id,predicted\n"1"x,2\n', "not CSV"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(text, message):
    with pytest.raises(PredictionsError, match=message) as caught:
        parse_predictions(text, "p.csv")
    assert str(caught.value).startswith("p.csv")


def test_a_file_that_is_no_text_is_named(tmp_path):
    (tmp_path / "p.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(PredictionsError, match="UTF-8"):
        read_predictions(tmp_path / "p.csv")
