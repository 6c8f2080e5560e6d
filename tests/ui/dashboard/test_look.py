"""Contrast, badges, and that nothing of a record becomes markup."""

import ast
import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_schemas import LEVELS, AcuityScale
from ui import dashboard
from ui.dashboard.look import DARK, LEVEL_HUES, LIGHT, contrast, level_badge, plain, sparkline, tag
from ui.dashboard.look.badge import SHAPES
from ui.dashboard.look.html import show
from ui.dashboard.look.style import style_sheet
from ui.dashboard.look.tokens import HUES

HOME = Path(dashboard.__file__).parent
HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "![x](https://evil.example/p.png)",
    "[click](javascript:alert(1))",
    "</div></section><h1>Level 5</h1>",
    "&lt;script&gt;",
    "{{7*7}} ${7*7} :material/home: $x^2$",
]


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_text_has_enough_contrast(theme):
    for ink, ground in itertools.product(("ink", "soft"), ("page", "surface", "sunken")):
        assert contrast(theme[ink], theme[ground]) >= 4.5, (ink, ground)
    for tone in ("accent", "good", "warn", "danger"):
        for ground in (f"{tone}-wash", "surface", "page"):
            assert contrast(theme[tone], theme[ground]) >= 4.5, (tone, ground)
        assert contrast(theme["ink"], theme[f"{tone}-wash"]) >= 4.5
    assert contrast(theme["accent-ink"], theme["accent"]) >= 4.5
    for ground in ("page", "surface"):
        assert contrast(theme["edge"], theme[ground]) >= 3
        assert contrast(theme["focus"], theme[ground]) >= 3


def test_numbers_on_shapes_can_be_read():
    for fill, ink in HUES.values():
        assert contrast(fill, ink) >= 4.5


def test_the_measure_is_wcag():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.005)


def test_streamlits_own_themes_are_ours():
    import tomllib

    config = tomllib.loads((HOME / "config.toml").read_text())["theme"]
    for name, theme in (("light", LIGHT), ("dark", DARK)):
        assert config[name]["backgroundColor"] == theme["page"]
        assert config[name]["textColor"] == theme["ink"]
        assert contrast("#ffffff", config[name]["primaryColor"]) >= 3.9  # large bold words on a button


def test_levels_are_told_apart_without_colour():
    assert len(set(SHAPES.values())) == len(LEVELS)
    for scale in AcuityScale:
        assert len(set(LEVEL_HUES[scale])) == len(LEVELS)
        for level in LEVELS:
            badge = level_badge(level, scale, note="suggested")
            assert f"<b>{level}</b>" in badge
            assert f'aria-label="{scale.value} level {level}, ' in badge
            assert f"ed-shape-{SHAPES[level]}" in badge
    assert "No level yet" in level_badge(None, AcuityScale.ESI)


def test_every_shape_and_hue_has_its_rule():
    sheet = style_sheet()
    for name in (*SHAPES.values(), "none"):
        assert f".ed-shape-{name}" in sheet
    for hue in HUES:
        assert f".ed-hue-{hue}" in sheet


@pytest.mark.parametrize("words", HOSTILE)
def test_hostile_words_stay_words(words):
    made = tag("td", words, title=words)
    assert "<script" not in made
    assert "<img" not in made
    assert "<h1" not in made
    assert made.count("<") == 2
    assert made.count('"') == 2


@given(st.text())
def test_no_text_becomes_an_element(words):
    made = tag("p", words)
    inside = made.removeprefix("<p>").removesuffix("</p>")
    assert not set(inside) & set("<>\"'")


@given(st.text(alphabet="ab[]()!*_`<>#:$\\~|\n-+.1"))
def test_no_text_becomes_markdown(words):
    from markdown_it import MarkdownIt

    tokens = MarkdownIt("commonmark").parseInline(plain(words))
    kinds = {child.type for token in tokens for child in token.children or ()}
    assert kinds <= {"text", "text_special"}


@pytest.mark.parametrize("name", ["script", "iframe", "a", "object", "IMG", "p onclick"])
def test_elements_that_run_or_load_are_refused(name):
    with pytest.raises(ValueError, match="no element"):
        tag(name)


@pytest.mark.parametrize("name", ["onclick", "href", "src", "onLoad"])
def test_attributes_that_run_or_load_are_refused(name):
    with pytest.raises(ValueError, match="no attribute"):
        tag("p", **{name: "x"})


def test_marks_that_turn_a_line_round_are_left_out():
    assert tag("p", "safe\u202elevel\u2066") == "<p>safelevel</p>"


def test_only_what_was_made_here_is_shown():
    with pytest.raises(TypeError):
        show("<b>x</b>")


def test_html_is_made_in_one_place_only():
    for path in HOME.rglob("*.py"):
        if path.parent.name == "look":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute):
                assert node.attr not in {"html", "iframe"}, path
            if isinstance(node, ast.keyword):
                assert node.arg not in {"unsafe_allow_html", "unsafe_allow_javascript"}, path
            if isinstance(node, ast.Call):
                assert getattr(node.func, "id", "") != "Safe", path


def test_one_point_is_no_course():
    assert "role" not in sparkline([80], "heart rate")
    line = sparkline([80, 90, 120], "heart rate 80, 90, 120")
    assert 'aria-label="heart rate 80, 90, 120"' in line
    assert "mask-image" in line
    assert sparkline([5, 5], "level")
