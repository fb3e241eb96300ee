"""The end of a lease: when, what is open and why the rest is not, what buying the car costs."""

from __future__ import annotations

from flask import Blueprint

from carport.portal.pages import Page, get, render, signed_in_only

blueprint = signed_in_only(Blueprint("lease", __name__))


@blueprint.get("/accounts/<id:account_id>/lease-end")
def lease_end(account_id: str) -> Page:
    return render(
        "accounts/lease_end.html",
        account=get(f"/v1/accounts/{account_id}"),
        lease=get(f"/v1/leases/{account_id}"),
    )
