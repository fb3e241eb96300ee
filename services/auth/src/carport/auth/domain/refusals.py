"""What auth says no to. The messages are for the person; codes are part of the API."""

from __future__ import annotations


class InvalidToken(Exception):
    """A mailed link is unknown, used, void or too old: which of these is not told."""

    code = "invalid_token"

    def __init__(self) -> None:
        super().__init__("This link has been used or is too old. Ask for a new one.")


class UsernameTaken(Exception):
    """Somebody has that user name. A link it was given with stays good."""

    code = "username_taken"
    pointer = "/username"

    def __init__(self) -> None:
        super().__init__("That user name is taken. Choose another one, or leave it out.")


class NoMatch(Exception):
    """What was said about a contract is of nobody: an unknown number, wrong data, somebody else's,
    or too many tries."""

    code = "no_match"

    def __init__(self) -> None:
        super().__init__(
            "These details match no contract that can be linked. Check the account number, last"
            " name, ZIP code and the last four digits of the social security number; after five"
            " tries with one number, try again tomorrow or call us."
        )


class TermsOutdated(Exception):
    """Other terms than the current ones were agreed to."""

    code = "terms_outdated"
    pointer = "/terms_version"

    def __init__(self, current: str) -> None:
        super().__init__(f"The terms have changed. Read and accept version {current}.")


class StaffNeedMfa(Exception):
    """The password is right, but staff need a second factor, which cannot be given yet."""

    code = "mfa_unavailable"

    def __init__(self) -> None:
        super().__init__(
            "Staff log in with a second factor, and this installation cannot check one yet."
        )


class NotStaff(Exception):
    """The name is a customer's; a customer is not made staff."""

    code = "not_staff"

    def __init__(self) -> None:
        super().__init__("That user is a customer. Give staff a user name of their own.")
