"""Docstrings name things as Sphinx does (:class:`~a.b.C`); the pages show the name alone."""

from __future__ import annotations

import re

ROLE = re.compile(r":(?:attr|class|data|exc|func|meth|mod):<code>(~?)([^<]+)</code>")


def _name(match: re.Match[str]) -> str:
    short, name = match.groups()
    return f"<code>{name.rpartition('.')[2] if short else name}</code>"


def on_page_content(html: str, **_: object) -> str:
    """Called by mkdocs with the body of each page."""
    return ROLE.sub(_name, html)
