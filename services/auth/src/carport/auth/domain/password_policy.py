"""What a password must be (NIST SP 800-63B-4, ASVS 5.0 V6.2): long, and not one people guess.

Any characters, no composition rules, no forced change. A password is refused when it is common, or
only a common one, a run or a repetition made longer, or built on the owner's or the lender's name.
"""

from __future__ import annotations

import gzip
import unicodedata
from collections.abc import Iterable
from functools import cache
from importlib import resources

LENGTH_MIN = 15
LENGTH_MAX = 1024
CONTEXT_WORD_MIN = 4
COMMON_MIN = 6
"""Characters of the shortest entry of the list; less, repeated, is no secret either."""
BRANDS = ("carport", "kia finance", "kiafinance")
RUNS = (
    "0123456789" * 3,
    "abcdefghijklmnopqrstuvwxyz" * 2,
    "qwertyuiopasdfghjklzxcvbnm" * 2,
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
    "q1w2e3r4t5y6u7i8o9p0",
)


class WeakPassword(Exception):
    """The password is too short, too long or easy to guess; the message says which."""

    code = "weak_password"
    pointer = "/password"


def normalised(password: str) -> str:
    """NFC: the same password from any keyboard; never trimmed, never cut, case kept."""
    return unicodedata.normalize("NFC", password)


def check(password: str, *, names: Iterable[str] = ()) -> None:
    """Raise WeakPassword unless *password* may be used by somebody called any of *names*."""
    text = normalised(password)
    if len(text) < LENGTH_MIN:
        raise WeakPassword(
            f"Use at least {LENGTH_MIN} characters; a few words with spaces are fine."
        )
    if len(text) > LENGTH_MAX:
        raise WeakPassword(f"Use at most {LENGTH_MAX} characters.")
    folded = unicodedata.normalize("NFKC", text).casefold()
    if not folded.strip():
        raise WeakPassword("A password of blanks only is too easy to guess.")
    if _is_guessable(folded):
        raise WeakPassword(
            "This password is common, or a common one made longer. Use a few unrelated words."
        )
    if word := _known_word_in(folded, names):
        raise WeakPassword(f"Leave out {word}: it is the first thing somebody would try.")


def _is_guessable(folded: str) -> bool:
    bare = folded.replace(" ", "")
    core = bare.strip("0123456789!@#$%^&*()-_=+.,?/'\"")
    unit = _repeated_unit(bare)
    return len(unit) < COMMON_MIN or any(
        _is_common(part) for part in (folded, unit, core, _repeated_unit(core))
    )


def _is_common(text: str) -> bool:
    listed = text in common_passwords() or any(_is_run(text, run) for run in RUNS)
    return len(text) >= COMMON_MIN and listed


def _repeated_unit(text: str) -> str:
    """The shortest text of which *text* is a repetition (the last copy may be cut short)."""
    for length in range(1, len(text) // 2 + 1):
        unit = text[:length]
        if (unit * (len(text) // length + 1)).startswith(text):
            return unit
    return text


def _is_run(text: str, run: str) -> bool:
    return text in run or text in run[::-1]


def _known_word_in(folded: str, names: Iterable[str]) -> str | None:
    if any(brand in folded for brand in BRANDS):
        return "the name of the lender or of this service"
    for name in names:
        word = unicodedata.normalize("NFKC", name).casefold().partition("@")[0]
        if len(word) >= CONTEXT_WORD_MIN and word in folded:
            return "your user name or e-mail address"
    return None


@cache
def common_passwords() -> frozenset[str]:
    """Some six thousand most used passwords (the frequency list of zxcvbn, MIT licence)."""
    packed = resources.files(__package__).joinpath("common_passwords.txt.gz").read_bytes()
    return frozenset(gzip.decompress(packed).decode("ascii").split())
