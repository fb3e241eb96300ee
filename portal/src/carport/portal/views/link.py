"""Linking another contract of the same person: a second car, or one as co-borrower."""

from __future__ import annotations

from flask import Blueprint, request

from carport.portal.api import Problem
from carport.portal.browser import browser
from carport.portal.pages import Page, field, go, post, render, signed_in_only

PROOF = ("account_number", "last_name", "zip", "ssn_last4")

blueprint = signed_in_only(Blueprint("link", __name__))


@blueprint.get("/link-account")
def form() -> Page:
    return render("accounts/link.html", form={})


@blueprint.post("/link-account")
def link() -> Page:
    """The new account is in the next token, so the present one is renewed at once."""
    try:
        post("/v1/auth/account-links", {name: field(name) for name in PROOF})
    except Problem as problem:
        return render("accounts/link.html", problem, form=request.form)
    browser().renew()
    return go("accounts.dashboard", notice="account_linked")
