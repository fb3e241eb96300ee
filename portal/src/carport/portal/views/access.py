"""Getting in: register, verify, log in and out, forgotten password and username.

A token from a mailed link goes into the browser session at once and out of the address bar, so
that neither history nor a referrer shows it; only a button uses it up, never a mail scanner.
"""

from __future__ import annotations

from flask import Blueprint, request
from flask import redirect as redirect_to

from carport.portal.api import Problem
from carport.portal.browser import browser
from carport.portal.pages import Page, field, go, parts, render, secret
from carport.portal.security import own_path

TOKEN_LENGTH_MAX = 2048

blueprint = Blueprint("access", __name__)


@blueprint.get("/login")
def login() -> Page:
    if browser().is_signed_in:
        return redirect_to(own_path(request.args.get("next")) or "/dashboard", 303)
    return render("access/login.html", form={}, next=own_path(request.args.get("next")))


@blueprint.post("/login")
def log_in() -> Page:
    target = own_path(request.form.get("next"))
    try:
        browser().sign_in(field("user_id"), secret("password"))
    except Problem as problem:
        return render("access/login.html", problem, form=request.form, next=target)
    return redirect_to(target or "/dashboard", 303)


@blueprint.post("/logout")
def logout() -> Page:
    parts().unread.forget(browser().key)
    browser().sign_out()
    return go("access.login", notice="logged_out")


@blueprint.get("/register")
def register() -> Page:
    return render("access/register.html", form={}, terms=_terms())


@blueprint.post("/register")
def send_registration() -> Page:
    body = {
        name: field(name) for name in ("account_number", "last_name", "zip", "ssn_last4", "email")
    }
    body["password"] = secret("password")
    body["terms_version"] = field("terms_version")
    if field("username"):
        body["username"] = field("username")
    try:
        _refuse_without_consent()
        browser().public("POST", "/v1/auth/registrations", body=body)
    except Problem as problem:
        return render("access/register.html", problem, form=request.form, terms=_terms())
    browser().put(mailed_to=body["email"])
    return go("access.registered")


@blueprint.get("/register/sent")
def registered() -> Page:
    return render("access/registered.html", email=browser().data.get("mailed_to"))


@blueprint.get("/verify")
def verify() -> Page:
    return _keep_token("access.verify") or render("access/verify.html", form={})


@blueprint.post("/verify")
def confirm_email() -> Page:
    body = {"token": browser().data.get("mailed_token", "")}
    if field("username"):
        body["username"] = field("username")
    try:
        browser().public("POST", "/v1/auth/email-verifications", body=body)
    except Problem as problem:
        return render("access/verify.html", problem, form=request.form)
    browser().pop("mailed_token")
    return go("access.login", notice="verified")


@blueprint.get("/forgot-password")
def forgot_password() -> Page:
    return render("access/forgot_password.html", form={})


@blueprint.post("/forgot-password")
def send_reset() -> Page:
    return _send_by_mail("/v1/auth/password-resets", "access/forgot_password.html", "reset")


@blueprint.get("/forgot-username")
def forgot_username() -> Page:
    return render("access/forgot_username.html", form={})


@blueprint.post("/forgot-username")
def send_username() -> Page:
    return _send_by_mail("/v1/auth/username-reminders", "access/forgot_username.html", "username")


@blueprint.get("/mail-sent/<any(reset, username):what>")
def mail_sent(what: str) -> Page:
    return render("access/mail_sent.html", what=what, email=browser().data.get("mailed_to"))


@blueprint.get("/reset-password")
def reset_password() -> Page:
    return _keep_token("access.reset_password") or render("access/reset_password.html")


@blueprint.post("/reset-password")
def set_password() -> Page:
    body = {"token": browser().data.get("mailed_token", ""), "password": secret("password")}
    try:
        browser().public("POST", "/v1/auth/password-resets/confirmations", body=body)
    except Problem as problem:
        return render("access/reset_password.html", problem)
    browser().pop("mailed_token")
    return go("access.login", notice="password_reset")


def _send_by_mail(path: str, template: str, what: str) -> Page:
    """The answer is the same whether the address is known or not."""
    try:
        browser().public("POST", path, body={"email": field("email")})
    except Problem as problem:
        return render(template, problem, form=request.form)
    browser().put(mailed_to=field("email"))
    return go("access.mail_sent", what=what)


def _keep_token(endpoint: str) -> Page | None:
    token = request.args.get("token")
    if token is None:
        return None
    browser().put(mailed_token=token[:TOKEN_LENGTH_MAX])
    return go(endpoint)


def _terms() -> dict[str, object]:
    return browser().public("GET", "/v1/auth/terms").data


def _refuse_without_consent() -> None:
    if not field("agree"):
        raise Problem(422, "consent_required", errors=[{"pointer": "/agree", "code": "required"}])
