"""A browser without JavaScript: it fills in forms as it finds them and sends them."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from fake_gateway import PASSWORD

HTTPS = "https://pay.example.com"
LOCAL = "http://localhost:8080"


class Form(HTMLParser):
    """The first form of a page that goes to *action*: its fields as a browser would send them."""

    def __init__(self, html, action):
        super().__init__()
        self.action, self.fields, self.inside, self.found = action, {}, False, False
        self.feed(html)
        assert self.found, f"no form to {action}"

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag == "form":
            self.inside = not self.found and given.get("action") == self.action
            self.found = self.found or self.inside
        if self.inside and tag == "input" and "name" in given:
            ticked = given.get("type") not in ("radio", "checkbox") or "checked" in given
            if ticked and "disabled" not in given:
                self.fields[given["name"]] = given.get("value") or "on" * ("checked" in given)

    def handle_endtag(self, tag):
        self.inside = self.inside and tag != "form"


class Browser:
    """What a person without JavaScript has."""

    def __init__(self, app, url=HTTPS):
        self.url = url
        self.client = app.test_client()

    def get(self, path, **more):
        return self.client.get(path, base_url=self.url, **more)

    def send(self, path, data=None, **headers):
        """A bare POST with the origin browsers add."""
        given = {"Origin": self.url, **headers}
        given = {name.replace("_", "-"): value for name, value in given.items() if value}
        return self.client.post(path, data=data, base_url=self.url, headers=given)

    def submit(self, page, action, **typed):
        """Open *page*, fill in its form to *action* (None unticks a box), send it."""
        form = Form(self.get(page).text, action)
        given = {n: value for n, value in (form.fields | typed).items() if value is not None}
        return self.send(action, given)

    def log_in(self, password=PASSWORD, **typed):
        return self.submit("/login", "/login", user_id="jordan", password=password, **typed)

    def cookie(self, name):
        return self.client.get_cookie(name, domain=re.sub(r"https?://|:.*", "", self.url))
