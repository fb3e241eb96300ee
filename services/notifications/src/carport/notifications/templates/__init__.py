"""Templates: what a notice says, as a plain message, a text mail and an HTML mail.

Each kind has one file per language with a ``subject`` and a ``body`` block. It is rendered in two
environments that differ in their parts (paragraph, table of facts, button) and in escaping: HTML
is escaped everywhere, plain text never needs it.
"""

from __future__ import annotations

import re
import textwrap
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from carport.shared.kernel.money import display

FOLDER = Path(__file__).parent
LANGUAGES = ("en",)
VALUE_CHARS_MAX = 500
SUBJECT_CHARS_MAX = 150
LINE_CHARS = 78
COLOURS = {
    "primary": "#05141f",
    "surface": "#ffffff",
    "page": "#f4f5f6",
    "text": "#1b1d1f",
    "muted": "#5b6167",
    "link": "#0b5c8a",
}
"""What a lender's profile does not set."""


@dataclass(frozen=True)
class Rendered:
    """A notice: *body* is the plain message, *text* and *html* are whole mails around it."""

    subject: str
    body: str
    text: str
    html: str


def render(kind: str, language: str | None, values: Mapping[str, Any]) -> Rendered:
    """The notice *kind* in *language* (English when there is no such translation).

    *values* needs ``lender``, ``why``, ``required`` and what the template names. A value that is
    missing raises jinja2.UndefinedError: a defect of ours, never of the customer's data.
    """
    spoken = language if language in LANGUAGES else LANGUAGES[0]
    lender = values["lender"]
    known = {
        "first_name": None,
        **clean(values),
        "lender": lender,
        "language": spoken,
        "colours": COLOURS | {k: v for k, v in dict(lender.colours).items() if k in COLOURS},
    }
    subject, body = _blocks("text", spoken, kind, known)
    subject = clean(subject)[:SUBJECT_CHARS_MAX]
    _, html_body = _blocks("html", spoken, kind, known)
    return Rendered(
        subject=subject,
        body=body,
        text=_layout("text", spoken, known, subject, body),
        html=_layout("html", spoken, known, subject, html_body),
    )


def clean(value: Any) -> Any:
    """*value* with every text in it on one line, without control characters, and not endless.

    Names and reasons come from files and forms; a line break in one of them must not become a
    header, and a direction mark must not turn an amount around.
    """
    if isinstance(value, str):
        visible = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in value)
        return " ".join(visible.split())[:VALUE_CHARS_MAX]
    if isinstance(value, Mapping):
        return {key: clean(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [clean(item) for item in value]
    return value


def _blocks(form: str, language: str, kind: str, values: Mapping[str, Any]) -> tuple[str, str]:
    template = _environment(form, language).get_template(f"{kind}.j2")
    context = template.new_context({**values, **_parts(form, language, values)})
    subject = "".join(template.blocks["subject"](context))
    body = "".join(template.blocks["body"](context))
    return subject, tidy(body)


def _layout(form: str, language: str, values: Mapping[str, Any], subject: str, main: str) -> str:
    template = _environment(form, language).get_template("layout.j2")
    safe = Markup(main) if form == "html" else main  # noqa: S704 - escaped by us
    return tidy(template.render(values, subject=subject, main=safe)) + "\n"


def _parts(form: str, language: str, values: Mapping[str, Any]) -> dict[str, Any]:
    module = _environment(form, language).get_template("parts.j2").make_module(dict(values))
    return {name: getattr(module, name) for name in ("p", "facts", "button")}


@cache
def _environment(form: str, language: str) -> jinja2.Environment:
    folders = [FOLDER / form, FOLDER / language, FOLDER]
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folders),
        autoescape=form == "html",  # noqa: S701 - plain text is not HTML
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "money": display,
        "day": day,
        "instant": instant,
        "fill": fill,
        "capitalize_first": lambda text: text[:1].upper() + text[1:],
    }
    return environment


def tidy(text: str) -> str:
    """*text* without blank lines in a row or at its ends."""
    return re.sub(r"\n{3,}", "\n\n", text).strip()


def fill(text: str) -> str:
    """A paragraph in lines of at most LINE_CHARS, words and addresses kept whole."""
    return textwrap.fill(
        " ".join(text.split()), LINE_CHARS, break_long_words=False, break_on_hyphens=False
    )


def day(value: str | date) -> str:
    """``March 3, 2025``."""
    on = date.fromisoformat(value) if isinstance(value, str) else value
    return f"{on:%B} {on.day}, {on.year}"


@jinja2.pass_context
def instant(context: jinja2.runtime.Context, value: str | datetime) -> str:
    """``March 3, 2025 at 2:05 PM EST``, in the lender's zone."""
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    local = moment.astimezone(context["lender"].zone)
    hour = local.hour % 12 or 12
    return f"{day(local.date())} at {hour}:{local:%M %p %Z}"
