"""Payments given: the list, the receipt that follows a payment to its posting, cancelling one."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, render_template, request

from carport.portal.api import Problem
from carport.portal.pages import Page, get, go, post, render, signed_in_only

PAGE = 25
MOVING = {"processing", "accepted", "unknown"}
WAIT_MS = {"accepted": 800, "processing": 1500, "unknown": 4000}

blueprint = signed_in_only(Blueprint("payments", __name__))


@blueprint.get("/payments")
def overview() -> Page:
    return render(
        "payments/payments.html",
        payments=get("/v1/payments", limit=PAGE, cursor=request.args.get("cursor")),
    )


@blueprint.get("/payments/<id:payment_id>")
def receipt(payment_id: str) -> Page:
    return render("payments/receipt.html", **_receipt(payment_id))


@blueprint.get("/payments/<id:payment_id>/status")
def status(payment_id: str) -> Response:
    """The receipt's moving part, for the page that waits for it: words, and when to ask again."""
    shown = _receipt(payment_id)
    payment = shown["payment"]
    return jsonify(
        state=payment["state"],
        wait_ms=WAIT_MS.get(payment["state"], 0),
        html=render_template("payments/_status.html", **shown),
    )


@blueprint.get("/payments/<id:payment_id>/cancel")
def ask_cancel(payment_id: str) -> Page:
    payment = get(f"/v1/payments/{payment_id}")
    if not payment["cancellable"]:
        return go("payments.receipt", payment_id=payment_id)
    return render("payments/cancel.html", payment=payment)


@blueprint.post("/payments/<id:payment_id>/cancel")
def cancel(payment_id: str) -> Page:
    try:
        post(f"/v1/payments/{payment_id}/cancellation", {})
    except Problem as problem:
        payment = get(f"/v1/payments/{payment_id}")
        return render("payments/cancel.html", problem, payment=payment)
    return go("payments.receipt", payment_id=payment_id, notice="payment_cancelled")


def _receipt(payment_id: str) -> dict[str, Any]:
    """A payment and, where it can be had, the account it is for."""
    payment = get(f"/v1/payments/{payment_id}")
    try:
        account: dict[str, Any] | None = get(f"/v1/accounts/{payment['account_id']}")
    except Problem:
        account = None
    return {
        "payment": payment,
        "account": account,
        "is_moving": payment["state"] in MOVING,
        "wait_ms": WAIT_MS.get(payment["state"], 0),
    }
