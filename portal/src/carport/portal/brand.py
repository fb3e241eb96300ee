"""The lender's look: its colours as CSS custom properties, made readable wherever they are used.

A lender may choose any colour; text on it and links in it keep a contrast of at least 4.5 to 1.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

Rgb = tuple[float, float, float]

HEX = re.compile(r"#([0-9a-fA-F]{2})([0-9a-fA-F]{2})([0-9a-fA-F]{2})")
CONTRAST_MIN = 4.6
DARK_BUTTON_CONTRAST_MIN = 10.0
"""A dark brand colour, only just readable on a dark page, would look switched off."""
STEPS = 50
LIGHT, DARK = "#eef0f3", "#1f2630"
"""The least favourable surfaces of the two themes (``--sunken`` in tokens.css)."""
INK, PAPER = "#0b1117", "#ffffff"
PRIMARY, ACCENT = "#05141f", "#35536b"


def stylesheet(colours: Mapping[str, str]) -> str:
    """``/brand.css`` for a lender whose profile gives ``primary`` and ``accent``."""
    primary = valid(colours.get("primary"), PRIMARY)
    accent = valid(colours.get("accent"), ACCENT)
    light = _rules(primary, accent, LIGHT, readable(primary, LIGHT))
    dark = _rules(primary, accent, DARK, readable(primary, DARK, DARK_BUTTON_CONTRAST_MIN))
    return f":root{{{light}}}\n@media (prefers-color-scheme:dark){{:root{{{dark}}}}}\n"


def contrast(one: str, other: str) -> float:
    """The WCAG 2 contrast ratio of two colours."""
    low, high = sorted((_luminance(_rgb(one)), _luminance(_rgb(other))))
    return (high + 0.05) / (low + 0.05)


def readable(colour: str, surface: str, contrast_min: float = CONTRAST_MIN) -> str:
    """*colour*, moved towards black or white just so far that it can be read on *surface*."""
    target = INK if contrast(surface, INK) > contrast(surface, PAPER) else PAPER
    for step in range(STEPS + 1):
        found = _mix(colour, target, step / STEPS)
        if contrast(found, surface) >= contrast_min:
            return found
    return target


def _rules(primary: str, accent: str, surface: str, button: str) -> str:
    """The primary colour for the bar and the buttons, the accent for links and what is chosen."""
    link = readable(accent, surface)
    badge = readable(accent, primary)
    return (
        f"--brand:{primary};--on-brand:{_on(primary)};--button:{button};--on-button:{_on(button)};"
        f"--link:{link};--badge:{badge};--on-badge:{_on(badge)}"
    )


def _on(colour: str) -> str:
    return PAPER if contrast(colour, PAPER) >= CONTRAST_MIN else INK


def valid(colour: str | None, otherwise: str) -> str:
    return colour.lower() if colour and HEX.fullmatch(colour) else otherwise


def _rgb(colour: str) -> Rgb:
    found = HEX.fullmatch(colour)
    if found is None:
        raise ValueError("a colour is written #rrggbb")
    red, green, blue = (int(part, 16) / 255 for part in found.groups())
    return red, green, blue


def _luminance(rgb: Rgb) -> float:
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in rgb)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _mix(colour: str, target: str, share: float) -> str:
    parts = (
        round((a * (1 - share) + b * share) * 255)
        for a, b in zip(_rgb(colour), _rgb(target), strict=True)
    )
    return "#" + "".join(f"{part:02x}" for part in parts)
