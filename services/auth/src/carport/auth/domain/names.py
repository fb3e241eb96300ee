"""User names and e-mail addresses: what may be chosen, and the one form they are compared in.

Two spellings a person could take for the same (case, full width, ligatures, a dotless i) have one
canonical form, at registration and at every later look-up; mail goes to the stored address only.
"""

from __future__ import annotations

import re
import unicodedata

EMAIL_LENGTH_MAX = 254
USERNAME_LENGTH_MIN = 3
USERNAME_LENGTH_MAX = 64
USERNAME_MARKS = frozenset("._-")
LOCAL_MARKS = frozenset("!#$%&'*+-/=?^_`{|}~.")
DOMAIN = re.compile(
    r"(?=.{4,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]"
)


class InvalidEmail(Exception):
    """The text is no address that mail can be sent to."""

    code = "invalid_email"
    pointer = "/email"


class InvalidUsername(Exception):
    """The text cannot be a user name."""

    code = "invalid_username"
    pointer = "/username"


def canonical(text: str) -> str:
    """The form in which user names and addresses are compared.

    Upper before folding joins what folding alone keeps apart (dotless i, long s); the second NFKC
    composes what folding took apart.
    """
    trimmed = unicodedata.normalize("NFKC", text).strip().rstrip(".").rstrip()
    folded = trimmed.upper().casefold().replace("i\N{COMBINING DOT ABOVE}", "i")
    return unicodedata.normalize("NFKC", folded)


def comparable_account_number(text: str) -> str:
    """An account number as it is compared: upper case, without spaces and dashes."""
    return "".join(text.upper().replace("-", " ").split())


def parse_email(text: str) -> str:
    """The address to store and write to. Raises InvalidEmail.

    Quoted local parts, address literals and domains in other scripts (homographs) are refused;
    an international domain is written in its ``xn--`` form.
    """
    one_line = not set(text) & set("\r\n\t")
    address = unicodedata.normalize("NFKC", text).strip().rstrip(".") if one_line else ""
    local, at, domain = address.rpartition("@")
    if not at or len(address.encode()) > EMAIL_LENGTH_MAX or not _is_local_part(local):
        raise InvalidEmail("Enter an e-mail address like name@example.com.")
    if not DOMAIN.fullmatch(domain.lower()):
        raise InvalidEmail("The part after @ must be a domain in plain letters, like example.com.")
    return f"{local}@{domain.lower()}"


def parse_username(text: str) -> str:
    """The user name to store and show. Raises InvalidUsername.

    It never holds an @, so what is typed at login is either a name or an address.
    """
    name = unicodedata.normalize("NFKC", text).strip().rstrip(".")
    if not USERNAME_LENGTH_MIN <= len(name) <= USERNAME_LENGTH_MAX:
        raise InvalidUsername(
            f"A user name has {USERNAME_LENGTH_MIN} to {USERNAME_LENGTH_MAX} characters."
        )
    if not all(c.isalnum() or c in USERNAME_MARKS for c in name) or not name[0].isalnum():
        raise InvalidUsername(
            "A user name has letters, digits, dots, hyphens and underscores, and starts with a"
            " letter or digit."
        )
    return name


def _is_local_part(local: str) -> bool:
    dots_well_placed = local and ".." not in local and local[0] != "." and local[-1] != "."
    plain = all(c.isalnum() or c in LOCAL_MARKS for c in local)
    return bool(dots_well_placed) and plain and len(local.encode()) <= 64
