"""Payment methods: what one pays with. Only kind and last four digits are ever shown."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request

from carport.portal.api import Problem
from carport.portal.browser import browser
from carport.portal.pages import (
    Page,
    field,
    form_key,
    get,
    go,
    needs_password,
    new_key,
    post,
    render,
    signed_in_only,
    step_up,
)

METHODS = "/v1/payment-methods"
BANK_FIELDS = ("routing_number", "account_number", "account_type", "holder_name")

blueprint = signed_in_only(Blueprint("methods", __name__))


@blueprint.get("/payment-methods")
def overview() -> Page:
    return render("methods/methods.html", methods=usable())


@blueprint.get("/payment-methods/new")
def new() -> Page:
    return render("methods/new.html", form={}, key=new_key(), needs_password=needs_password())


@blueprint.post("/payment-methods/new")
def add() -> Page:
    try:
        add_bank_account(form_key())
    except Problem as problem:
        return render(
            "methods/new.html",
            problem,
            form=request.form,
            key=form_key() if problem.is_outage else new_key(),
            needs_password=needs_password(),
        )
    return go("methods.overview", notice="method_added")


@blueprint.post("/payment-methods/<id:method_id>/remove")
def remove(method_id: str) -> Page:
    browser().call("DELETE", f"{METHODS}/{method_id}")
    return go("methods.overview", notice="method_removed")


def usable() -> list[dict[str, Any]]:
    """The user's methods that can be paid with."""
    found = get(METHODS)["data"]
    return [method for method in found if method["status"] == "usable"]


def add_bank_account(key: str) -> dict[str, Any]:
    """Save the bank account typed into this form. Raises Problem."""
    step_up()
    body = {"type": "bank_account"} | {name: field(name) for name in BANK_FIELDS}
    return post(METHODS, body, key=key).data
