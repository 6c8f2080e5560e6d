import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents import read_minutes


def test_minutes_are_read():
    assert read_minutes("1:0,2:10,3:30,4:60,5:120") == (0, 10, 30, 60, 120)
    assert read_minutes(" 5:120, 4:60,3:30 ,2:15,1:0") == (0, 15, 30, 60, 120)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "LEVEL:MINUTES"),
        ("1:0,2:10,3:30,4:60", "no minutes for level 5"),
        ("1:0,2:10,3:30,4:60,5:120,5:90", "named twice"),
        ("1:0,2:10,3:30,4:60,6:120", "LEVEL:MINUTES"),
        ("1:0,2:-1,3:30,4:60,5:120", "LEVEL:MINUTES"),
        ("1:0,2:1.5,3:30,4:60,5:120", "LEVEL:MINUTES"),
        ("1:0,2:²,3:30,4:60,5:120", "LEVEL:MINUTES"),
        ("1:0,2:60,3:30,4:60,5:120", "less urgent level"),
        ("1:0,2:10,3:30,4:60,5:100000", "between 0 and"),
    ],
)
def test_what_is_no_interval_is_refused_with_the_reason(text, said):
    with pytest.raises(ValueError, match=said):
        read_minutes(text)


@given(st.lists(st.integers(0, 1440), min_size=5, max_size=5).map(sorted))
def test_whatever_is_written_in_order_is_read_back(minutes):
    text = ",".join(f"{level}:{value}" for level, value in enumerate(minutes, start=1))
    assert read_minutes(text) == tuple(minutes)


@given(st.text(max_size=40))
def test_no_text_is_half_understood(text):
    try:
        minutes = read_minutes(text)
    except ValueError:
        return
    assert len(minutes) == 5
    assert list(minutes) == sorted(minutes)
