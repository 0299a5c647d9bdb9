"""A model's card, which is Markdown, as HTML in the page's own components."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markdown_it.token import Token

# HTML in a card stays text: what a card says comes from files, and files can be changed.
_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table")


def card_html(text: str) -> SafeString:
    """The card without its first heading, which is the page's own; "" for an empty one."""
    tokens = _MARKDOWN.parse(text)
    if tokens and tokens[0].type == "heading_open" and tokens[0].tag == "h1":
        tokens = tokens[3:]
    _plain_corners(tokens)
    html = _MARKDOWN.renderer.render(_wrapped(tokens), _MARKDOWN.options, {})
    return mark_safe(html)  # noqa: S308  # the renderer escapes, and HTML in the source is off


def _plain_corners(tokens: Sequence[Token]) -> None:
    """An empty head of a column, the corner of a matrix, names nothing: it becomes a plain cell."""
    for opening, inside, closing in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if opening.type == "th_open" and not inside.content.strip():
            opening.tag = closing.tag = "td"


def _wrapped(tokens: Sequence[Token]) -> list[Token]:
    """Tables scroll by themselves on a narrow screen, from the keyboard too, each under a name of its own."""
    from markdown_it.token import Token

    out: list[Token] = []
    number, heading = 0, ""
    for place, token in enumerate(tokens):
        if token.type == "heading_open":
            heading = tokens[place + 1].content
        if token.type == "table_open":
            number += 1
            name = escape(f"Table {number}: {heading}")
            attributes = f'class="table-wrap" tabindex="0" role="region" aria-label="{name}"'
            out.append(Token("html_block", "", 0, content=f"<div {attributes}>"))
            token.attrSet("class", "table")
        out.append(token)
        if token.type == "table_close":
            out.append(Token("html_block", "", 0, content="</div>"))
    return out
