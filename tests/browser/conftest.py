"""A running suite and a headless Chromium (Debian's)."""

from __future__ import annotations

import pytest
from playwright.sync_api import sync_playwright
from support.client import Api
from support.running import Running

CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update",
         "--disable-sync"]  # fmt: skip
SIZES = {"desktop": {"width": 1280, "height": 900}, "phone": {"width": 390, "height": 844}}


@pytest.fixture(scope="session")
def suite(tmp_path_factory):
    running = Running(tmp_path_factory.mktemp("suite") / "var").start()
    yield running
    running.kill()


@pytest.fixture(scope="session")
def api(suite):
    return Api(suite.url)


@pytest.fixture(scope="session")
def staff(api):
    return api.staff()


@pytest.fixture(scope="session")
def chromium():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(params=list(SIZES))
def page(chromium, suite, request):
    """A page that fails the test on any console error, such as a broken content policy. That a
    refused login answers 401 is none."""
    context = chromium.new_context(viewport=SIZES[request.param], base_url=suite.url)
    opened = context.new_page()
    errors = []

    def note(said):
        if said.type == "error" and "status of 401" not in said.text:
            errors.append(said.text)

    opened.on("console", note)
    opened.on("pageerror", lambda error: errors.append(str(error)))
    yield opened
    context.close()
    assert errors == []
