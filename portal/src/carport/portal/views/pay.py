"""Making a payment: choose, see where the money will go, confirm once.

What was chosen is a draft in the browser session. Its key is the Idempotency-Key, so that a double
click, a reload or a second try after an outage can only ever be the same payment.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from flask import Blueprint, Response, abort, jsonify, render_template, request

from carport.portal import formats, standing
from carport.portal.api import Problem
from carport.portal.browser import browser
from carport.portal.pages import (
    Page,
    accounts,
    field,
    form_key,
    get,
    go,
    needs_password,
    new_key,
    optional,
    post,
    render,
    signed_in_only,
)
from carport.portal.sessions import SessionsAway
from carport.portal.views import methods
from carport.shared.kernel.ids import is_id

DRAFTS_MAX = 8
DAYS_AHEAD_MAX = 90
SIMILAR_CHECKED = 20
DEAD_STATES = {"failed", "cancelled", "returned", "refunded", "disputed"}
EXTRAS = {"next_due", "principal"}
NEW_METHOD = "new"
ACCOUNT_SHOWN = ("id", "account_number", "product", "vehicle", "currency", "as_of")

Draft = dict[str, Any]

blueprint = signed_in_only(Blueprint("pay", __name__))


@blueprint.get("/pay")
def choose() -> Page:
    payable = _payable()
    if not payable:
        return render("pay/nothing.html")
    wanted = request.args.get("account")
    chosen = next((a for a in payable if a["id"] == wanted), payable[0])
    return _form(chosen, {})


@blueprint.post("/pay")
def draft() -> Page:
    """Read the form, save a bank account typed into it, keep the draft, go on to the review."""
    account = get(f"/v1/accounts/{_posted_account()}")
    try:
        order = _read_form(account)
        preview = _preview(order)
        method = _method(order["payment_method_id"])
    except Problem as problem:
        return _form(account, request.form, problem)
    order["payment_method_id"] = method["id"]
    key = new_key()
    kept = {
        "order": order,
        "preview": preview,
        "method": method,
        "account": {name: account[name] for name in ACCOUNT_SHOWN},
    }
    browser().change(lambda data: _keep(data, key, kept))
    return go("pay.review", key=key)


@blueprint.get("/pay/review/<key>")
def review(key: str) -> Page:
    kept = _draft(key)
    if kept is None:
        return go("pay.choose", notice="draft_gone")
    similar = None if kept["payment_id"] else _similar(kept["order"])
    return render("pay/review.html", key=key, similar=similar, **kept)


@blueprint.post("/pay/review/<key>")
def confirm(key: str) -> Page:
    """Pay. If that fails the page is made of the draft alone: it stands when nothing answers."""
    kept = _draft(key)
    if kept is None:
        return go("pay.choose", notice="draft_gone")
    body = {name: value for name, value in kept["order"].items() if value is not None}
    try:
        payment = post("/v1/payments", body, key=key).data
    except Problem as problem:
        return render("pay/review.html", problem, key=key, similar=None, **kept)
    with suppress(SessionsAway):  # paid: sent again, the same key answers the same payment
        browser().change(lambda data: _given(data, key, payment["id"]))
    return go("payments.receipt", payment_id=payment["id"])


@blueprint.post("/pay/preview")
def preview() -> Response:
    """Where an amount would go, while it is typed; empty when that cannot be said."""
    account_id, amount = _posted_account(), formats.cents(field("amount", limit=20))
    if amount is None:
        return jsonify(html="")
    wanted = {"amount": amount, "extra": _extra()}
    shown = post(f"/v1/accounts/{account_id}/allocation-previews", _preview_body(wanted)).data
    return jsonify(html=render_template("pay/_allocation.html", preview=shown, amount=amount))


def _payable() -> list[dict[str, Any]]:
    """A lease of which every rental is paid takes no more money, though it has not ended."""
    return [a for a in accounts() if a["status"] == "active" and a.get("payoff") != 0]


def _posted_account() -> str:
    account_id = field("account_id")
    return account_id if is_id(account_id) else abort(404)


def _extra() -> str | None:
    return field("extra") if field("extra") in EXTRAS else None


def _read_form(account: Mapping[str, Any]) -> Draft:
    """What was chosen. Raises Problem naming the field that cannot be understood."""
    amount = formats.cents(
        field("other_amount" if field("choice") == "other" else "choice", limit=20)
    )
    day = formats.day_of(field("date") or account["as_of"])
    method = field("payment_method_id")
    faults = {
        "other_amount": "invalid_amount" if amount is None else None,
        "date": "invalid_date" if day is None else None,
        "payment_method_id": None if is_id(method) or method == NEW_METHOD else "required",
    }
    if amount is not None and day is not None and _is_too_much(amount, account, day.isoformat()):
        faults["other_amount"] = "exceeds_payoff"
    errors = [{"pointer": f"/{name}", "code": code} for name, code in faults.items() if code]
    if errors or day is None:
        raise Problem(422, "form", errors=errors, money_moved="no")
    return {
        "account_id": account["id"],
        "amount": amount,
        "currency": account["currency"],
        "payment_method_id": method,
        "date": None if day.isoformat() <= account["as_of"] else day.isoformat(),
        "extra": _extra(),
    }


def _is_too_much(amount: int, account: Mapping[str, Any], day: str) -> bool:
    """Whether it is more than is owed today; of a later day the API knows."""
    most = account.get("payoff")
    return most is not None and day <= account["as_of"] and amount > most


def _preview_body(wanted: Mapping[str, Any]) -> dict[str, Any]:
    body = {
        "amount": wanted["amount"],
        "effective_date": wanted.get("date"),
        "extra": wanted.get("extra"),
    }
    return {name: value for name, value in body.items() if value is not None}


def _preview(wanted: Mapping[str, Any]) -> dict[str, Any] | None:
    """Where the money will go; None while accounts cannot say: paying does not wait for it."""
    path = f"/v1/accounts/{wanted['account_id']}/allocation-previews"
    try:
        return post(path, _preview_body(wanted)).data
    except Problem as problem:
        if problem.is_outage:
            return None
        raise


def _form(
    account: Mapping[str, Any], form: Mapping[str, Any], problem: Problem | None = None
) -> Page:
    return render(
        "pay/form.html",
        problem,
        account=account,
        accounts=_payable(),
        choices=standing.amounts(account),
        methods=methods.usable(),
        needs_password=needs_password(),
        form=form,
        key=new_key(),
        last_day=_last_day(account),
    )


def _last_day(account: Mapping[str, Any]) -> str:
    today = formats.day_of(account["as_of"])
    return (today + formats.DAY * DAYS_AHEAD_MAX).isoformat() if today else ""


def _keep(data: dict[str, Any], key: str, kept: Draft) -> None:
    drafts = [*data.get("drafts", {}).items(), (key, kept)]
    data["drafts"] = dict(drafts[-DRAFTS_MAX:])


def _draft(key: str) -> Draft | None:
    found: Draft | None = browser().data.get("drafts", {}).get(key)
    return {"payment_id": None, **found} if found else None


def _given(data: dict[str, Any], key: str, payment_id: str) -> None:
    """Remember what became of a draft: going back to it must not look like paying again."""
    if key in data.get("drafts", {}):
        data["drafts"][key]["payment_id"] = payment_id


def _method(chosen: str) -> dict[str, Any]:
    """The saved method that was chosen, or the bank account typed into this form, now saved."""
    if chosen == NEW_METHOD:
        return methods.add_bank_account(form_key())
    found = next((method for method in methods.usable() if method["id"] == chosen), None)
    if found is None:
        gone = [{"pointer": "/payment_method_id", "code": "required"}]
        raise Problem(422, "form", errors=gone, money_moved="no")
    return found


def _similar(order: Mapping[str, Any]) -> dict[str, Any] | None:
    """A recent payment of the same amount on the same account: perhaps this one is meant twice."""
    recent = optional("/v1/payments", account_id=order["account_id"], limit=SIMILAR_CHECKED)
    same = (
        payment
        for payment in (recent or {"data": []})["data"]
        if payment["amount"] == order["amount"]
        and payment["state"] not in DEAD_STATES
        and payment["settlement"] != "cleared"
    )
    return next(same, None)
