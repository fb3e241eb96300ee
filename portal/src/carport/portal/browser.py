"""This request's browser session: the cookie, the tokens behind it, and calls made as its user."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from flask import Response, current_app, g, request

from carport.portal.api import CALL_S, Answer, ApiClient, Problem
from carport.portal.sessions import Change, SessionsAway, SessionStore

CLIENT_ID = "portal"
REFRESH_MARGIN_S = 20
DEVICE_S = 365 * 24 * 3600
DEVICE_PATTERN = re.compile(r"[A-Za-z0-9_-]{22}", re.ASCII)
LOCAL_HOSTS = {"localhost", "127.0.0.1", "::1"}
TOKEN_TROUBLE = {"unauthenticated", "token_expired"}


class SignedOut(Exception):
    """The session behind this browser is over; ``was_signed_in`` says whether there was one."""

    def __init__(self, *, was_signed_in: bool) -> None:
        super().__init__("signed out")
        self.was_signed_in = was_signed_in


@dataclass(frozen=True)
class Cookies:
    """Names and flags: ``__Host-`` and Secure, except for plain http on this very machine."""

    prefix: str
    secure: bool

    @classmethod
    def for_url(cls, public_base_url: str) -> Cookies:
        url = urlsplit(public_base_url)
        local = url.scheme == "http" and url.hostname in LOCAL_HOSTS
        return cls("", False) if local else cls("__Host-", True)

    def read(self, name: str) -> str:
        return request.cookies.get(self.prefix + name, "")

    def write(self, answer: Response, name: str, value: str, max_age: int | None = None) -> None:
        answer.set_cookie(
            self.prefix + name,
            value,
            max_age=max_age,
            secure=self.secure,
            httponly=True,
            samesite="Lax",
            path="/",
        )

    def remove(self, answer: Response, name: str) -> None:
        answer.delete_cookie(
            self.prefix + name, secure=self.secure, httponly=True, samesite="Lax", path="/"
        )


class Browser:
    """One browser as the server knows it. Nothing is stored for visitors who only read.

    While sessions cannot be had nobody *is_known*: that browser keeps its cookies as they are.
    """

    def __init__(
        self, store: SessionStore, api: ApiClient, cookies: Cookies, *, is_known: bool = True
    ) -> None:
        self._store, self._api, self._cookies = store, api, cookies
        self.is_known = is_known
        self._sent = cookies.read("carport") if is_known else ""
        self._session = store.load(self._sent) if self._sent else None
        self._device: str | None = None

    @property
    def data(self) -> Mapping[str, Any]:
        return self._session.data if self._session else {}

    @property
    def is_signed_in(self) -> bool:
        return self._session is not None and self._session.is_signed_in

    @property
    def key(self) -> str:
        """The session's id, for caches in memory; empty when there is none."""
        return self._session.id if self._session else ""

    def csrf(self) -> str:
        """The token every form carries; makes a session for a visitor who is shown a form."""
        if self._session is None:
            self._session = self._store.create({"csrf": secrets.token_urlsafe(16)})
        return str(self._session.data["csrf"])

    def change(self, change: Change) -> None:
        """Store a change of the session's data."""
        self.csrf()
        self._session = self._store.change(self.key, change)

    def put(self, **values: Any) -> None:
        self.change(lambda data: data.update(values))

    def leave(self, notice: str) -> None:
        """Have the next page show *notice*. What has been done stands without it."""
        with suppress(SessionsAway):
            self.put(notice=notice)

    def pop(self, name: str) -> Any:
        """Take a value out; None when it is not there."""
        value = self.data.get(name)
        if value is not None:
            self.change(lambda data: data.pop(name, None))
        return value

    def sign_in(self, user_id: str, password: str) -> None:
        """Log in and go on under a new id; the one the browser came with is dead afterwards."""
        answer = self.public(
            "POST",
            "/v1/auth/tokens",
            body={
                "grant": "password",
                "user_id": user_id,
                "password": password,
                "client_id": CLIENT_ID,
            },
            headers={"X-Device": self.device()},
        )
        old = self.key
        data = {"csrf": secrets.token_urlsafe(16), "tokens": _tokens(answer.data)}
        self._session = self._store.create(data)
        if old:
            self._store.end(old)

    def sign_out(self) -> None:
        """End the session here and at auth; here in any case."""
        try:
            if self.is_signed_in:
                self.call("DELETE", "/v1/auth/sessions/current")
        except (Problem, SignedOut):
            current_app.logger.info("sign-out: auth did not answer; the session ends by itself")
        finally:
            self.forget()

    def forget(self) -> None:
        if self._session:
            self._store.end(self._session.id)
        self._session = None

    def device(self) -> str:
        """An opaque id of this device; auth delays guesses less where it knows the device."""
        if self._device is None:
            sent = self._cookies.read("carport-device")
            self._device = sent if DEVICE_PATTERN.fullmatch(sent) else secrets.token_urlsafe(16)
        return self._device

    def renew(self) -> None:
        """Get tokens that know what has just changed, such as a newly linked account."""
        self._refresh(self.data["tokens"])

    def take_tokens(self, answer: Mapping[str, Any]) -> None:
        self.put(tokens=_tokens(answer))

    def public(self, method: str, path: str, **call: Any) -> Answer:
        """A call without a token."""
        headers = {**_about_request(), **call.pop("headers", {})}
        return self._api.call(method, path, headers=headers, within_s=_time_left(), **call)

    def call(self, method: str, path: str, **call: Any) -> Answer:
        """A call as the signed-in user. Raises SignedOut when the session is over."""
        tokens = self._fresh_tokens()
        headers = call.pop("headers", {})
        try:
            return self.public(method, path, headers=_bearer(tokens, headers), **call)
        except Problem as problem:
            if problem.status != 401 or problem.code not in TOKEN_TROUBLE:
                raise
        tokens = self._refresh(tokens)
        try:
            return self.public(method, path, headers=_bearer(tokens, headers), **call)
        except Problem as problem:
            if problem.status == 401 and problem.code in TOKEN_TROUBLE:
                raise self._over() from problem
            raise

    def save(self, answer: Response) -> Response:
        """Put the cookies on the answer."""
        if not self.is_known:
            return answer
        if self._session and self._session.id != self._sent:
            self._cookies.write(answer, "carport", self._session.id)
        elif self._sent and self._session is None:
            self._cookies.remove(answer, "carport")
        if self._device and self.is_signed_in:
            self._cookies.write(answer, "carport-device", self._device, DEVICE_S)
        return answer

    def _fresh_tokens(self) -> dict[str, Any]:
        tokens: dict[str, Any] | None = self.data.get("tokens")
        if tokens is None:
            raise SignedOut(was_signed_in=bool(self._sent))
        if tokens["expires_at"] - time.time() > REFRESH_MARGIN_S:
            return tokens
        return self._refresh(tokens)

    def _refresh(self, stale: Mapping[str, Any]) -> dict[str, Any]:
        """New tokens, asked for once however many requests of this session find them old."""
        with self._store.flight(self.key):
            session = self._store.load(self.key)
            if session is None or not session.is_signed_in:
                raise self._over()
            current: dict[str, Any] = session.data["tokens"]
            if current["access"] != stale["access"]:
                self._session = session
                return current
            try:
                answer = self.public(
                    "POST",
                    "/v1/auth/tokens",
                    body={
                        "grant": "refresh",
                        "refresh_token": current["refresh"],
                        "client_id": CLIENT_ID,
                    },
                    headers={"X-Device": self.device()},
                )
            except Problem as problem:
                if problem.status in (400, 401):
                    raise self._over() from problem
                raise
            self.take_tokens(answer.data)
        return dict(self.data["tokens"])

    def _over(self) -> SignedOut:
        self.forget()
        return SignedOut(was_signed_in=True)


def browser() -> Browser:
    """This request's browser."""
    if "browser" not in g:
        parts = current_app.extensions["portal"]
        g.browser = Browser(parts.store, parts.api, parts.cookies)
    found: Browser = g.browser
    return found


def nobody() -> None:
    """Go on without knowing whose browser this is, to say that."""
    parts = current_app.extensions["portal"]
    g.browser = Browser(parts.store, parts.api, parts.cookies, is_known=False)


def _tokens(answer: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "access": answer["access_token"],
        "refresh": answer["refresh_token"],
        "expires_at": time.time() + int(answer["expires_in"]),
    }


def _bearer(tokens: Mapping[str, Any], headers: Mapping[str, str]) -> dict[str, str]:
    return {**headers, "Authorization": f"Bearer {tokens['access']}"}


def _time_left() -> float:
    """Seconds this page may still wait: all its calls together have one deadline."""
    return float(g.setdefault("deadline", time.monotonic() + CALL_S) - time.monotonic())


def _about_request() -> dict[str, str]:
    return {"X-Request-Id": g.request_id, "X-Forwarded-For": request.remote_addr or "127.0.0.1"}
