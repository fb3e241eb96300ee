"""How a person or a cheque is matched to a contract by a service that stores no number or name.

accounts computes the keys of what a contract was boarded with, auth and payments those of what
somebody types or what is written on a cheque.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import unicodedata

ZIP = re.compile(r"([0-9]{5})(?:-[0-9]{4})?", re.ASCII)


def last_name_key(name: str) -> str:
    """*name* without accents, blanks, punctuation, case: ``O'Neill-Núñez`` is ``oneillnunez``."""
    letters = (c for c in unicodedata.normalize("NFKD", name) if c.isalpha())
    return "".join(letters).casefold()


def match_key(key: bytes, *, last_name: str, zip_code: str, ssn_last4: str) -> str:
    """Hex HMAC-SHA256 of ``lastname|zip5|ssn_last4``; of a ZIP+4 the first five digits count."""
    five = ZIP.fullmatch(zip_code.strip())
    parts = (last_name_key(last_name), five[1] if five else "", ssn_last4)
    return hmac.new(key, "|".join(parts).encode(), hashlib.sha256).hexdigest()


def account_number_key(key: bytes, account_number: str) -> str:
    """Hex HMAC-SHA256 of the number: payments finds the contract of a cheque by it."""
    return hmac.new(key, f"account_number|{account_number}".encode(), hashlib.sha256).hexdigest()
