"""Pages follow a key; a cursor works for one list of one owner and for nothing else."""

from __future__ import annotations

import base64

import pytest
from carport.shared import testing
from carport.shared.kernel.clock import utc_now
from carport.shared.kernel.ids import new_id


@pytest.fixture
def filled(client, customer, account_id):
    for number in range(7):
        client.post(
            f"/v1/accounts/{account_id}/notes",
            json={"text": f"note {number}", "amount": 1},
            headers={**customer, "Idempotency-Key": f"k{number}"},
        )
    return f"/v1/accounts/{account_id}/notes"


def walk(client, path, headers, limit):
    cursor, texts = None, []
    for _ in range(10):
        query = f"?limit={limit}" + (f"&cursor={cursor}" if cursor else "")
        page = client.get(path + query, headers=headers).json
        texts += [row["text"] for row in page["data"]]
        cursor = page["next_cursor"]
        if cursor is None:
            return texts
    raise AssertionError("no end")


@pytest.mark.parametrize("limit", [1, 2, 3, 6, 7, 8, 100])
def test_all_rows_come_once_newest_first_whatever_the_page_size(client, customer, filled, limit):
    assert walk(client, filled, customer, limit) == [f"note {n}" for n in range(6, -1, -1)]


def test_an_empty_list_has_no_cursor(client, customer, account_id):
    page = client.get(f"/v1/accounts/{account_id}/notes", headers=customer).json
    assert page == {"data": [], "next_cursor": None}


def test_a_cursor_is_refused_when_edited_or_used_for_another_list(
    client, runtime, filled, customer
):
    cursor = client.get(f"{filled}?limit=2", headers=customer).json["next_cursor"]
    other = new_id(utc_now())
    headers = testing.bearer(runtime, accounts=[other])
    raw = bytearray(base64.urlsafe_b64decode(cursor + "=="))
    raw[-3] ^= 1
    edited = base64.urlsafe_b64encode(raw).decode().rstrip("=")
    for path, who, text in (
        (filled, customer, edited),
        (filled, customer, cursor[:-4]),
        (filled, customer, "@@@@"),
        (f"/v1/accounts/{other}/notes", headers, cursor),
    ):
        response = client.get(f"{path}?cursor={text}", headers=who)
        assert (response.status_code, response.json["code"]) == (400, "invalid_cursor")
