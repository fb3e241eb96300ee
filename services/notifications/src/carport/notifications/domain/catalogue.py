"""The kinds of notice: the title a customer sees, whether it may be switched off, why it comes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """One kind of notice.

    *required* ones are sent whatever the preferences say (security, money that went the wrong way,
    terms of the contract); *in_app* ones also appear in the customer's messages. *why* ends the
    sentence "You receive this because ...".
    """

    name: str
    title: str
    why: str
    required: bool = False
    in_app: bool = True


KINDS = {
    kind.name: kind
    for kind in (
        Kind(
            "payment_posted",
            "Payment received",
            "a payment was posted to your account",
        ),
        Kind(
            "payment_scheduled",
            "Payment scheduled",
            "a payment from your account was scheduled",
        ),
        Kind(
            "payment_cancelled",
            "Payment cancelled",
            "a payment to your account was cancelled",
        ),
        Kind(
            "payment_failed",
            "Payment failed",
            "a payment to your account did not go through",
            required=True,
        ),
        Kind(
            "payment_returned",
            "Payment returned by the bank",
            "your bank returned a payment to your account",
            required=True,
        ),
        Kind(
            "payment_due",
            "Payment due soon",
            "a payment is coming due and you asked to be reminded",
        ),
        Kind(
            "late_fee_assessed",
            "Late fee charged",
            "a late fee was charged to your account",
            required=True,
        ),
        Kind(
            "late_fee_removed",
            "Late fee removed",
            "a late fee was taken off your account",
        ),
        Kind(
            "paid_off",
            "Account paid off",
            "your account was paid off",
            required=True,
        ),
        Kind(
            "reopened",
            "Account open again",
            "the payment that had closed your account was undone",
            required=True,
        ),
        Kind(
            "method_added",
            "Payment method added",
            "a payment method was added to your profile",
            required=True,
        ),
        Kind(
            "maturity_approaching",
            "Lease ending soon",
            "your lease is approaching its end",
        ),
        Kind(
            "user_registered",
            "Online access created",
            "online access to your account was created",
            required=True,
        ),
        Kind(
            "password_changed",
            "Password changed",
            "the password of your online access was changed",
            required=True,
        ),
        Kind(
            "registration_verify",
            "Verify your e-mail address",
            "this address was entered when online access was requested",
            required=True,
            in_app=False,
        ),
        Kind(
            "registration_already_registered",
            "You already have online access",
            "this address was entered when online access was requested",
            required=True,
            in_app=False,
        ),
        Kind(
            "registration_no_match",
            "We could not match your account",
            "this address was entered when online access was requested",
            required=True,
            in_app=False,
        ),
        Kind(
            "password_reset",
            "Reset your password",
            "a password reset was requested for this address",
            required=True,
            in_app=False,
        ),
        Kind(
            "username_reminder",
            "Your username",
            "a username reminder was requested for this address",
            required=True,
            in_app=False,
        ),
    )
}

CHOOSABLE = tuple(kind for kind in KINDS.values() if kind.in_app)
"""The kinds shown among the preferences, in this order."""
