"""What came of making a stored answer again."""

from collections.abc import Iterable

from agents import Replay
from ui.dashboard.look import Safe, callout, panel, table, tag
from ui.dashboard.strings import has_text, many, text

_LONGEST = 400


def verdict(replay: Replay) -> Safe:
    """The same answer, or what differs, what could not be made again, and what is another now."""
    return tag("div", *_parts(replay), cls="ed-stack")


def _parts(replay: Replay) -> Iterable[Safe]:
    done = ", ".join(_part(name) for name in replay.replayed) or text("audit.nothing")
    if replay.identical:
        yield callout(text("audit.same"), text("audit.made-again", parts=done), tone="good", live=True)
    elif replay.differences:
        title = many("audit.differs", len(replay.differences))
        yield callout(title, text("audit.made-again", parts=done), tone="danger", live=True)
    else:
        yield callout(text("audit.not-whole"), text("audit.made-again", parts=done), live=True)
    if replay.differences:
        columns = [text(f"audit.columns.{name}") for name in ("part", "field", "stored", "now")]
        rows = [
            [_part(one.part), one.field or "–", _short(one.stored), _short(one.replayed)]
            for one in replay.differences
        ]
        yield table(text("audit.differences"), columns, rows)
    if replay.not_replayed:
        items = [(_part(name), why) for name, why in replay.not_replayed.items()]
        lines = [tag("li", tag("b", name), " – ", tag("span", why, lang="en")) for name, why in items]
        yield panel(tag("ul", *lines, cls="ed-list"), title=text("audit.not-replayed"), tone="warn")
    if replay.changes:
        columns = [text(f"audit.columns.{name}") for name in ("with", "stored", "now")]
        rows = [
            [tag("span", one.what, lang="en"), _short(one.stored), _short(one.now)] for one in replay.changes
        ]
        yield table(text("audit.changes"), columns, rows)
    if replay.notes:
        notes = [tag("li", note, lang="en") for note in replay.notes]
        yield panel(tag("ul", *notes, cls="ed-list"), title=text("audit.notes"))


def _part(name: str) -> str:
    key = f"audit.part.{name.replace(' ', '-')}"
    return text(key) if has_text(key) else name


def _short(words: str) -> Safe:
    return tag("code", words if len(words) <= _LONGEST else f"{words[:_LONGEST]}…", cls="ed-value")
