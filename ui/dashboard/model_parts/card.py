"""A model card's Markdown as our own elements: nothing in it can load, run or lead anywhere."""

from collections.abc import Iterator, Sequence

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from ui.dashboard.look import Safe, tag

_SAME = {
    "paragraph": "p",
    "bullet_list": "ul",
    "ordered_list": "ol",
    "list_item": "li",
    "strong": "strong",
    "em": "em",
    "blockquote": "blockquote",
    "table": "table",
    "thead": "thead",
    "tbody": "tbody",
    "tr": "tr",
    "th": "th",
    "td": "td",
}
_TOP = 2


def document(markdown: str) -> Safe:
    """The text as elements; links keep their words only, images and HTML become their source text."""
    parsed = MarkdownIt("commonmark").enable("table").parse(markdown)
    # The page has its own title, so the card's headings begin a step lower.
    return tag("div", *_all(SyntaxTreeNode(parsed).children), cls="ed-document")


def _all(nodes: Sequence[SyntaxTreeNode]) -> Iterator[object]:
    for node in nodes:
        yield from _one(node)


def _one(node: SyntaxTreeNode) -> Iterator[object]:
    if node.type == "heading":
        level = min(int(node.tag[1]) + _TOP - 1, 6)
        yield tag(f"h{level}", *_all(node.children))
    elif node.type in _SAME:
        yield tag(_SAME[node.type], *_all(node.children))
    elif node.type in {"inline", "link"}:
        yield from _all(node.children)
    elif node.type in {"code_inline", "code_block", "fence"}:
        yield tag("code" if node.type == "code_inline" else "pre", node.content)
    elif node.type in {"softbreak", "hardbreak"}:
        yield " "
    elif node.type == "hr":
        yield tag("hr")
    else:
        yield node.content
