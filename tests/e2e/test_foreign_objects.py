"""Nobody sees, changes or learns of what is not theirs, on any operation."""

from __future__ import annotations

import uuid

from support import operations
from support.client import PASSWORD, STAFF, Api
from support.world import collect, flaw, masked, send


def test_without_a_valid_token_every_protected_operation_answers_401(world):
    tokens = ["", "Bearer", "Bearer x.y.z", "Basic abc", f"Bearer {world.customer.token}x"]

    def rows():
        for operation in world.operations:
            if not operation.needs_token:
                continue
            for token in tokens:
                headers = {"Authorization": token} if token else {}
                answer = send(world.api, operation, world.ids, headers=headers,
                              **({"json": {}} if operation.has_body else {}))  # fmt: skip
                wrong = flaw(answer, (401, "unauthenticated"))
                told = "www-authenticate" in answer.headers
                yield operation, repr(token), wrong or (None if told else "no WWW-Authenticate")

    assert collect(rows()) == []


def test_a_customer_may_do_nothing_of_the_staff(world):
    def rows():
        for operation in world.operations:
            if operation.is_staff:
                answer = send(world.customer, operation, world.ids,
                              **({"json": {}} if operation.has_body else {}))  # fmt: skip
                yield operation, "customer", flaw(answer, (403, "forbidden"), (404, "not_found"))

    assert collect(rows()) == []


def test_a_setting_is_changed_only_by_who_has_read_it(world):
    preferences = "/v1/alerts/preferences"
    read = world.customer.http.get(preferences)
    body = {"events": [], "days_ahead": [3], "quiet_hours": {"from": "21:00", "to": "08:00"}}
    blind = world.customer.http.put(preferences, json=body)
    stale = world.customer.http.put(preferences, json=body, headers={"If-Match": '"old"'})
    assert read.headers["etag"]
    assert flaw(blind, (428, "precondition_required")) is None
    assert flaw(stale, (412, "stale_version")) is None


def test_anothers_cursor_is_refused(world):
    path = "/v1/payments"
    for _ in range(2):
        world.customer.pay(world.ids["account_id"], world.ids["method_id"], 100)
    cursor = world.customer.get(path, limit=1)["next_cursor"]
    assert world.customer.http.get(path, params={"cursor": cursor}).status_code == 200
    for caller, other in ((world.stranger, path), (world.customer, "/v1/messages")):
        answer = caller.http.get(other, params={"cursor": cursor})
        assert flaw(answer, (400, "invalid_cursor")) is None


def test_anothers_object_answers_exactly_as_an_unknown_one_on_every_operation(world):
    def rows():
        for operation in world.operations:
            if operation.is_staff or not operation.needs_token or not operation.parameters:
                continue
            body = {"json": {}} if operation.has_body else {}
            more = {**body, "headers": {"If-Match": "*"}}
            foreign = send(world.stranger, operation, world.ids, **more)
            more = {**body, "headers": {"If-Match": "*"}}
            unknown = send(world.stranger, operation, {}, **more)
            wrong = flaw(foreign, (404, "not_found"))
            different = None if masked(foreign) == masked(unknown) else "not the same answer"
            yield operation, "foreign", wrong or different

    assert collect(rows()) == []
    assert world.customer.get(f"/v1/payments/{world.ids['payment_id']}")["state"] == "posted"


def test_paying_anothers_account_or_with_anothers_bank_account_answers_as_for_unknown_ones(world):
    mine = {"account_id": world.foreign["account_id"], "amount": 100, "currency": "USD",
            "payment_method_id": world.foreign["method_id"]}  # fmt: skip
    for member in ("account_id", "payment_method_id"):
        name = "method_id" if member == "payment_method_id" else member
        answers = [
            world.stranger.http.post("/v1/payments", json=mine | {member: value},
                                     headers={"Idempotency-Key": str(uuid.uuid4())})
            for value in (world.ids[name], operations.unknown_id())
        ]  # fmt: skip
        assert masked(answers[0]) == masked(answers[1])
        assert answers[0].status_code == 404
        assert answers[0].json()["money_moved"] == "no"


def test_wrong_credentials_say_the_same_for_known_and_unknown_people(world):
    def refuse(user_id, password):
        body = {"grant": "password", "user_id": user_id, "password": password}
        return world.api.http.post("/v1/auth/tokens", json=body)

    known = refuse(STAFF["user_id"], PASSWORD)
    unknown = refuse(f"{uuid.uuid4().hex}@example.com", PASSWORD)
    assert known.status_code == 401
    assert masked(known) == masked(unknown)
    assert Api(world.api.url).http.get("/v1/accounts").status_code == 401
