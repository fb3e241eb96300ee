"""Each value has one spelling, and a refusal names the member, a stable code and what to do."""

from __future__ import annotations

import pytest
from carport.shared import web
from carport.shared.errors import Problem
from carport.shared.schemas import refusal
from marshmallow import ValidationError, fields, validate


class Inner(web.Schema):
    line = web.TextField(required=True)


class Everything(web.Schema):
    amount = web.MoneyField()
    balance = web.MoneyField(min=0, max=100)
    count = web.IntField(min=1, max=5)
    day = web.DayField()
    flag = web.FlagField()
    id = web.IdField()
    kind = web.ChoiceField("regular", "overnight")
    note = web.TextField(max=10, multiline=True)
    name = web.TextField(max=5, nfc=True)
    zip = web.TextField(pattern=r"[0-9]{5}", code="invalid_zip", max=5)
    inner = fields.Nested(Inner)
    items = web.ListField(web.IntField(), min=1, max=2)
    plain = fields.String(validate=validate.Length(max=3))
    own = fields.String(validate=lambda _: (_ for _ in ()).throw(ValidationError("invalid_email")))


def refused(data, location="json"):
    with pytest.raises(ValidationError) as error:
        Everything().load(data)
    return refusal(error.value, location)


@pytest.mark.parametrize(
    ("data", "code", "pointer"),
    [
        ({"amount": value}, "invalid_amount", "/amount")
        for value in (0, -1, True, "100", 100.0, 1e2, 10**11 + 1, 2**53 + 1, 2**63, None, [1])
        if value is not None
    ]
    + [
        ({"amount": None}, "invalid_type", "/amount"),
        ({"balance": 101}, "invalid_amount", "/balance"),
        ({"count": "10"}, "invalid_type", "/count"),
        ({"count": True}, "invalid_type", "/count"),
        ({"count": 1.0}, "invalid_type", "/count"),
        ({"count": [1]}, "invalid_type", "/count"),
        ({"count": 6}, "out_of_range", "/count"),
        ({"day": "2026-02-30"}, "invalid_date", "/day"),
        ({"day": "0000-01-01"}, "invalid_date", "/day"),
        ({"day": "2026-W01-1"}, "invalid_date", "/day"),
        ({"day": "20260101"}, "invalid_date", "/day"),
        ({"day": "9999-01-01"}, "invalid_date", "/day"),
        ({"day": 20260101}, "invalid_date", "/day"),
        ({"flag": 1}, "invalid_type", "/flag"),
        ({"flag": "true"}, "invalid_type", "/flag"),
        ({"id": 5}, "invalid_type", "/id"),
        ({"kind": "sideways"}, "invalid_value", "/kind"),
        ({"kind": 1}, "invalid_type", "/kind"),
        ({"note": "x" * 11}, "out_of_range", "/note"),
        ({"note": ""}, "out_of_range", "/note"),
        ({"note": "   "}, "out_of_range", "/note"),
        ({"note": {"a": 1}}, "invalid_type", "/note"),
        ({"name": "a\nb"}, "invalid_characters", "/name"),
        ({"name": "e\u0301"}, "out_of_range", "/name"),
        ({"zip": "7500"}, "invalid_zip", "/zip"),
        ({"zip": "٧٥٠٠١"}, "invalid_zip", "/zip"),
        ({"inner": {}}, "required", "/inner/line"),
        ({"inner": "x"}, "invalid_type", "/inner"),
        ({"inner": {"line": "x", "more": 1}}, "unknown_field", "/inner/more"),
        ({"items": []}, "out_of_range", "/items"),
        ({"items": [1, 2, 3]}, "out_of_range", "/items"),
        ({"items": {"0": 1}}, "invalid_type", "/items"),
        ({"items": [1, "x"]}, "invalid_type", "/items/1"),
        ({"plain": "long"}, "out_of_range", "/plain"),
        ({"plain": 4}, "invalid_type", "/plain"),
        ({"own": "x"}, "invalid_email", "/own"),
        ({"a/b": 1}, "unknown_field", "/a~1b"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_422_with_its_code_and_pointer(data, code, pointer):
    problem = refused(data)
    assert (problem.status, problem.code) == (422, code)
    assert problem.errors[0]["pointer"] == pointer
    assert problem.errors[0]["code"] == code
    assert problem.errors[0]["detail"] and str(problem).startswith(pointer)


@pytest.mark.parametrize(
    "text",
    [
        "{0190c0de-0000-7000-8000-000000000000}",
        "urn:uuid:0190c0de-0000-7000-8000-000000000000",
        "0190C0DE-0000-7000-8000-000000000000",
        "0190c0de000070008000000000000000",
        "0190c0de-0000-4000-8000-000000000000",
        "-1",
        "1e3",
        "' OR 1=1 --",
    ],
)
def test_an_id_in_another_spelling_names_nothing(text):
    assert refused({"id": text}).status == 404


def test_all_that_is_wrong_is_told_at_once():
    problem = refused({"amount": 0, "count": 9, "more": 1})
    assert {flaw["pointer"] for flaw in problem.errors} == {"/amount", "/count", "/more"}


def test_good_values_pass_unchanged():
    data = {"amount": 1, "count": 5, "flag": False, "note": "a\nb", "name": "é", "zip": "75001"}
    assert Everything().load(data) == data


def test_a_wrong_query_parameter_is_400_and_named():
    problem = refused({"count": 9}, "query")
    assert (problem.status, problem.code) == (400, "invalid_parameter")
    assert problem.errors[0]["parameter"] == "count"


def test_a_wrong_date_in_the_query_is_422():
    problem = refused({"day": "2026-02-30"}, "query")
    assert (problem.status, problem.code) == (422, "invalid_date")
    assert isinstance(problem, Problem)
