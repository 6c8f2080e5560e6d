"""The catalogue is whole in every language, and no page speaks past it."""

import ast
import re
from pathlib import Path

import pytest

from agents import AlertCode
from data_schemas import LEVELS, AcuityScale, OverrideReason
from ui import dashboard
from ui.dashboard.auth import Role
from ui.dashboard.look.parts import TONES
from ui.dashboard.services import KEYS, RowState
from ui.dashboard.strings import LANGUAGES, catalogue, places
from ui.dashboard.views import all_pages

HOME = Path(dashboard.__file__).parent
BELOW = {"look", "services", "strings", "auth"}
DRAWN = [
    path
    for path in sorted(HOME.rglob("*.py"))
    if path.relative_to(HOME).parts[0] not in BELOW or path.name == "signin.py"
]
NOT_READ = {
    "lang", "on_select", "on_click", "autocomplete", "shortcut", "pattern", "inputmode",
    "key", "icon", "type", "width", "height", "cls", "tone", "role", "layout", "position", "url_path", "format",
    "label_visibility", "horizontal_alignment", "vertical_alignment", "gap", "initial_sidebar_state", "page_icon",
    "style", "scope", "selection_mode", "permission", "tabindex", "border", "file_name", "mime", "aria_hidden",
    "aria_live", "shape", "accept",
}  # fmt: skip
"""Keywords whose words nobody reads."""
LOOKED_UP = {"text", "many", "word", "has_text"}
SHOWN_BY = {"show", "tag", "heading", "section", "panel", "callout", "chip", "definition", "table", "bars",
            "empty_state", "notice", "level_badge", "sparkline"}  # fmt: skip
LETTERS = re.compile(r"[^\W\d_]{2,}")
SENTENCE = re.compile(r"[^\W\d_]{2,}[ ,.:;]+[^\W\d_]{2,}")


def test_every_language_has_every_string():
    first, *others = LANGUAGES
    for other in others:
        assert set(catalogue(first)) == set(catalogue(other))


def test_every_language_has_the_same_places():
    first, *others = LANGUAGES
    for other in others:
        differing = {k for k, v in catalogue(first).items() if places(v) != places(catalogue(other)[k])}
        assert not differing


@pytest.mark.parametrize("code", LANGUAGES)
def test_no_string_is_empty_and_every_code_has_words(code):
    found = catalogue(code)
    assert not [key for key, words in found.items() if not words.strip()]
    wanted = {f"problem.{key}" for key in KEYS} | {f"alert.{alert}" for alert in AlertCode}
    wanted |= {f"state.{state}" for state in RowState} | {f"reason.{reason}" for reason in OverrideReason}
    wanted |= {f"role.{role}" for role in Role} | {f"nav.{page.name}" for page, _ in all_pages()}
    wanted |= {f"level.{scale.value.lower()}.{level}" for scale in AcuityScale for level in LEVELS}
    assert wanted <= set(found)


@pytest.mark.parametrize("path", DRAWN, ids=lambda path: str(path.relative_to(HOME)))
def test_what_is_drawn_speaks_only_through_the_catalogue(path):
    assert literals(ast.parse(path.read_text())) == []


@pytest.mark.parametrize(
    "code",
    [
        'st.button("Accept")',
        'st.button(f"Accept {level}")',
        'show(tag("p", "No patient waits"))',
        'st.text_input(text("a.b"), placeholder="Search")',
        'words = "Nobody waits here"',
        'column.metric("Waiting", 3)',
    ],
)
def test_a_literal_would_be_found(code):
    assert literals(ast.parse(code))


@pytest.mark.parametrize(
    "code", ['text("a.b")', 'st.button(text("a.b"), key="go on", type="primary")', 'tag("p", x, cls="a b")']
)
def test_what_nobody_reads_is_left_alone(code):
    assert literals(ast.parse(code)) == []


def test_every_key_that_is_asked_for_is_there():
    for path in sorted(HOME.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and called(node) in {"text", "many"} and node.args:
                key = node.args[0]
                if isinstance(key, ast.Constant) and isinstance(key.value, str):
                    ends = (
                        [f"{key.value}.one", f"{key.value}.other"] if called(node) == "many" else [key.value]
                    )
                    assert set(ends) <= set(catalogue("en")), f"{path.name}: {key.value}"


def called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def literals(tree: ast.AST) -> list[str]:
    """Words in the code that a person would read."""
    found: list[str] = []
    skipped = {id(node) for node in docstrings(tree)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = called(node)
            for word in node.keywords:
                if word.arg in NOT_READ or name in LOOKED_UP:
                    skipped |= {id(inner) for inner in ast.walk(word.value)}
            if name in LOOKED_UP or name in {"Page", "getattr", "compile"}:
                skipped |= {id(inner) for argument in node.args for inner in ast.walk(argument)}
            elif name == "tag":
                skipped |= {id(node.args[0])}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and id(node) not in skipped:
            owner = node.func.value if isinstance(node.func, ast.Attribute) else None
            drawn = called(node) in SHOWN_BY or called(node) in WIDGETS or getattr(owner, "id", "") == "st"
            values = [*node.args, *(word.value for word in node.keywords)] if drawn else []
            said = [w for value in values for w in words_in(value, skipped)]
            found += [w for w in said if LETTERS.search(w) and not NOT_WORDS.match(w)]
        elif isinstance(node, ast.Constant) and id(node) not in skipped and SENTENCE.search(str(node.value)):
            found += [] if NOT_WORDS.match(str(node.value)) else [str(node.value)]
    return found


WIDGETS = {"button", "metric", "write", "markdown", "caption", "text_input", "selectbox", "radio", "checkbox", "toggle",
           "expander", "subheader", "header", "title", "info", "warning", "error", "success", "pills", "text_area",
           "number_input", "segmented_control", "form_submit_button", "download_button", "multiselect"}  # fmt: skip


NOT_WORDS = re.compile(r"^(.*<[a-z/].*|[\"']?/?><.*|.*;base64,|[a-z][a-z0-9_-]*(\.[a-z0-9_-]*)+)$", re.DOTALL)
"""Keys of the catalogue, whole or begun; and markup, which ``show`` takes from nobody but ``tag``."""


def words_in(value: ast.AST, skipped: set[int]) -> list[str]:
    if id(value) in skipped:
        return []
    if isinstance(value, ast.Constant):
        return [value.value] if isinstance(value.value, str) and value.value not in TONES else []
    if isinstance(value, ast.JoinedStr):
        return [w for part in value.values if isinstance(part, ast.Constant) for w in words_in(part, skipped)]
    if isinstance(value, ast.IfExp):
        return words_in(value.body, skipped) + words_in(value.orelse, skipped)
    return []


def docstrings(tree: ast.AST) -> list[ast.AST]:
    """Docstrings, and strings that stand alone below a name."""
    return [
        statement.value
        for node in ast.walk(tree)
        if hasattr(node, "body") and isinstance(node.body, list)
        for statement in node.body
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    ]
