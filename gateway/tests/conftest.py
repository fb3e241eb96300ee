"""A gateway in front of small applications that say what they were given."""

from __future__ import annotations

import json

import pytest
from carport.gateway.app import create_gateway
from carport.gateway.routes import SERVICES
from carport.shared import testing
from carport.shared.db import Runtime, make_engine
from carport.shared.service import Service
from sqlalchemy import MetaData
from werkzeug.test import Client


class Echo:
    """A WSGI application that answers what it got and keeps it."""

    def __init__(self, name):
        self.name = name
        self.seen = []
        self.status = "200 OK"
        self.headers = []
        self.document = {"openapi": "3.1.0", "paths": {}, "components": {"schemas": {}}}

    def __call__(self, environ, start_response):
        body = environ["wsgi.input"].read()
        if environ["PATH_INFO"] == "/openapi.json":
            return self.answer(start_response, "200 OK", self.document)
        if environ["PATH_INFO"] == "/readyz":
            return self.answer(start_response, self.status, {})
        headers = {
            key[5:].replace("_", "-").title(): value
            for key, value in environ.items()
            if key.startswith("HTTP_")
        }
        got = {
            "service": self.name,
            "method": environ["REQUEST_METHOD"],
            "path": environ["PATH_INFO"],
            "query": environ.get("QUERY_STRING", ""),
            "type": environ.get("CONTENT_TYPE", ""),
            "length": environ.get("CONTENT_LENGTH", ""),
            "address": environ.get("REMOTE_ADDR"),
            "headers": headers,
            "body": body.decode("latin-1"),
        }
        self.seen.append(got)
        return self.answer(start_response, self.status, got)

    def answer(self, start_response, status, content):
        text = json.dumps(content).encode()
        length = ("Content-Length", str(len(text)))
        start_response(status, [("Content-Type", "application/json"), length, *self.headers])
        return [text]


@pytest.fixture
def apps():
    return {name: Echo(name) for name in SERVICES}


@pytest.fixture
def portal():
    return Echo("portal")


@pytest.fixture
def settings(tmp_path):
    return testing.settings("gateway", tmp_path)


@pytest.fixture
def make_gateway(tmp_path, apps, portal):
    def make(services=None, **more):
        apart = {name: more.pop(name) for name in ("trusted", "stream") if name in more}
        settings = testing.settings("gateway", tmp_path, **more)
        gateway = create_gateway(settings, services or apps, **apart)
        gateway.portal = portal
        gateway.settings_of_test = settings
        return gateway

    return make


@pytest.fixture
def gateway(make_gateway):
    return make_gateway()


@pytest.fixture
def client(gateway):
    return Client(gateway)


@pytest.fixture
def bearer(gateway, tmp_path):
    """Headers of a live token for this gateway."""

    def make(on=gateway, **who):
        settings = on.settings_of_test
        engine = make_engine(f"sqlite:///{tmp_path}/none.db")
        service = Service(name="gateway", metadata=MetaData(), migrations="")
        return testing.bearer(Runtime(service, settings, engine), **who)

    return make
