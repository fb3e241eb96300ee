from __future__ import annotations

import pytest
from carport.shared.kernel.ids import new_id

PATHS = ("", "/transactions", "/schedule", "/transactions/{tx}")


@pytest.fixture
def owner(make):
    """A customer with the sample contract, two instalments paid; as of 2025-05-06."""
    suite = make("2025-05-06")
    suite.account_id = suite.board()
    for due in ("2025-02-24", "2025-03-24"):
        suite.pay(suite.account_id, 58684, effective_on=due)
    return suite


def test_an_account_says_where_it_stands(owner):
    person = owner.account(owner.account_id)["customers"][0]["id"]
    answer = owner.customer(owner.account_id, f"/v1/accounts/{owner.account_id}", party=person)
    assert answer.status_code == 200
    account = answer.json
    assert account["account_number"] == "••••7783"
    assert account["role"] == "primary"
    assert account["status"] == "active"
    assert account["vehicle"] == {
        "year": 2025, "make": "Kia", "model": "Sportage", "trim": "EX", "vin_last6": "000001"
    }  # fmt: skip
    assert (account["principal"], account["accrued_interest"]) == (2921399, 22336)
    assert (account["past_due"], account["days_past_due"], account["fees"]) == (58684, 12, 2500)
    assert account["balance"] == account["payoff"] == 2921399 + 22336 + 2500
    assert account["per_diem"] == "5.1945"
    assert account["next_due"] == {"amount": 58684, "date": "2025-05-24"}
    assert account["grace"] == {"days": 10, "ends_on": "2025-06-03"}
    assert (account["payments_made"], account["payments_remaining"]) == (2, 58)
    assert (account["maturity_date"], account["as_of"]) == ("2030-01-24", "2025-05-06")


def test_the_list_holds_the_callers_accounts_only(owner, lease):
    other = owner.board(lease)
    listed = owner.customer(owner.account_id, "/v1/accounts").json
    assert [account["id"] for account in listed["data"]] == [owner.account_id]
    both = owner.call("GET", "/v1/accounts", who={"accounts": [owner.account_id, other]}).json
    assert {account["product"] for account in both["data"]} == {"retail", "lease"}


@pytest.mark.parametrize("path", PATHS)
def test_a_foreign_account_answers_exactly_like_an_unknown_one(owner, lease, path):
    foreign = owner.board(lease)
    (line,) = [x for x in owner.transactions(foreign) if x["type"] == "boarding"]
    answers = []
    for account_id in (foreign, new_id(owner.now), "not-an-id"):
        asked = f"/v1/accounts/{account_id}{path.format(tx=line['id'])}"
        answer = owner.customer(owner.account_id, asked)
        body = {k: v for k, v in answer.json.items() if k not in ("request_id", "instance")}
        answers.append((answer.status_code, body, sorted(answer.headers.keys())))
    assert answers[0] == answers[1] == answers[2]
    assert answers[0][0] == 404


def test_a_transaction_of_another_account_is_not_found_under_ones_own(owner, lease):
    foreign = owner.transactions(owner.board(lease))[-1]["id"]
    path = f"/v1/accounts/{owner.account_id}/transactions/{foreign}"
    assert owner.customer(owner.account_id, path).status_code == 404


def test_a_preview_of_a_foreign_account_is_not_found_before_its_body_is_read(owner, lease):
    path = f"/v1/accounts/{owner.board(lease)}/allocation-previews"
    assert owner.customer(owner.account_id, path, "POST", {"nonsense": 1}).status_code == 404


def test_history_is_newest_first_with_the_live_allocation_on_the_payments_line(owner):
    lines = owner.transactions(owner.account_id)
    assert [line["type"] for line in lines] == [
        "late_fee_removed", "payment", "late_fee_removed", "payment", "late_fee", "late_fee",
        "late_fee", "boarding",
    ]  # fmt: skip
    second, first = (line for line in lines if line["type"] == "payment")
    assert first["allocation"] == {
        "interest": 24004, "principal": 34680, "fees": 0, "rental": 0, "tax": 0, "unapplied": 0
    }  # fmt: skip
    assert second["allocation"]["interest"] == 14763
    assert first["description"] == "Payment by bank account ending 6789"
    assert lines[0]["balance_after"] == owner.account(owner.account_id)["balance"]
    assert lines[0]["reverses"] in {line["id"] for line in lines if line["type"] == "late_fee"}


def test_balances_of_lines_booked_together_follow_from_each_other(owner):
    lines = owner.transactions(owner.account_id)
    together = [line for line in lines if line["type"].startswith("late_fee")][:1]
    newest, before = lines[0], lines[1]
    assert together[0] is newest
    assert before["balance_after"] - newest["amount"] == newest["balance_after"]


def test_history_pages_by_cursor_without_gaps_or_repeats(owner):
    path = f"/v1/accounts/{owner.account_id}/transactions?limit=3"
    seen, cursor = [], ""
    for _ in range(10):
        page = owner.customer(owner.account_id, path + cursor).json
        seen += [line["id"] for line in page["data"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == [line["id"] for line in owner.transactions(owner.account_id)]


@pytest.mark.parametrize(
    ("query", "code"),
    [("limit=0", "invalid_parameter"), ("limit=101", "invalid_parameter"),
     ("limit=1_0", "invalid_parameter"), ("limit=10&limit=5", "invalid_parameter"),
     ("cursor=AAAA", "invalid_cursor"), ("colour=red", "invalid_parameter")],
)  # fmt: skip
def test_a_bad_page_is_refused(owner, query, code):
    answer = owner.customer(
        owner.account_id, f"/v1/accounts/{owner.account_id}/transactions?{query}"
    )
    assert (answer.status_code, answer.json["code"]) == (400, code)


def test_a_returned_payment_shows_both_lines_linked(owner):
    paid = owner.pay(owner.account_id, 70000)
    owner.give_back(paid)
    lines = owner.transactions(owner.account_id)
    back = next(line for line in lines if line["type"] == "payment_reversal")
    gone = next(line for line in lines if line["id"] == back["reverses"])
    assert back["payment_id"] == gone["payment_id"] == paid.data["payment_id"]
    assert (gone["reversed_by"], gone["allocation"]) == (back["id"], None)
    assert (back["amount"], gone["amount"]) == (-70000, 70000)
    assert back["description"] == "Payment returned by the bank (R01)"
    one = owner.customer(
        owner.account_id, f"/v1/accounts/{owner.account_id}/transactions/{back['id']}"
    )
    assert one.json == back


def test_the_schedule_shows_what_was_agreed_and_what_will_come(owner):
    path = f"/v1/accounts/{owner.account_id}/schedule"
    schedule = owner.customer(owner.account_id, path).json
    assert schedule["original"][0] == {
        "number": 1, "due_date": "2025-02-24", "payment": 58684, "interest": 24004,
        "principal": 34680, "balance": 2965320,
    }  # fmt: skip
    assert len(schedule["original"]) == 60
    statuses = [row["status"] for row in schedule["current"]]
    assert statuses[:5] == ["paid", "paid", "past_due", "due", "future"]
    assert schedule["current"][-1]["balance"] == 0


def preview(suite, **body):
    path = f"/v1/accounts/{suite.account_id}/allocation-previews"
    return suite.customer(suite.account_id, path, "POST", body)


def test_a_preview_is_what_posting_then_does(owner):
    seen = preview(owner, amount=100000).json
    paid = owner.pay(owner.account_id, 100000)
    (posted,) = owner.published("payment_posted", payment_id=paid.data["payment_id"])
    assert seen["allocation"] == posted["allocation"]
    assert seen["balance_after"] == posted["balance_after"]


def test_extra_principal_saves_interest_and_a_preview_keeps_nothing(owner):
    before = owner.account(owner.account_id)
    saved = preview(owner, amount=200000, extra="principal").json["interest_saved"]
    assert saved > preview(owner, amount=61184).json["interest_saved"]
    assert saved > 0
    assert owner.account(owner.account_id) == before


def test_a_preview_of_a_later_day_counts_the_interest_until_then(owner):
    now, later = preview(owner, amount=58684), preview(
        owner, amount=58684, effective_date="2025-05-24"
    )  # fmt: skip
    assert later.json["allocation"]["interest"] > now.json["allocation"]["interest"]


@pytest.mark.parametrize(
    ("body", "code"),
    [({"amount": 0}, "invalid_amount"), ({"amount": -1}, "invalid_amount"),
     ({"amount": True}, "invalid_amount"), ({"amount": "100"}, "invalid_amount"),
     ({"amount": 100.0}, "invalid_amount"), ({"amount": 2**63}, "invalid_amount"), ({}, "required"),
     ({"amount": 1, "effective_date": "2025-05-05"}, "invalid_date"),
     ({"amount": 1, "effective_date": "2025-08-05"}, "invalid_date"),
     ({"amount": 1, "effective_date": "2025-02-30"}, "invalid_date"),
     ({"amount": 1, "extra": "all"}, "invalid_value"),
     ({"amount": 1, "account_id": "x"}, "unknown_field")],
)  # fmt: skip
def test_a_bad_preview_is_refused(owner, body, code):
    answer = preview(owner, **body)
    assert (answer.status_code, answer.json["code"]) == (422, code)


def test_a_customer_reads_their_own_data(owner):
    person = owner.account(owner.account_id)["customers"][0]["id"]
    mine = owner.call("GET", "/v1/customers/me", who={"claims": {"party": person}})
    assert mine.json["last_name"] == "Núñez-Hill"
    assert mine.json["accounts"] == [owner.account_id]
    assert "ssn_last4" not in mine.json
    nobody = owner.call("GET", "/v1/customers/me", who={})
    assert nobody.status_code == 404


def test_the_address_a_user_verified_counts_from_then_on(owner):
    person = owner.account(owner.account_id)["customers"][0]["id"]
    told = {"user_id": new_id(owner.now), "party_id": person, "email": "new@example.com"}
    owner.deliver("auth.contact_verified.v1", told, subject=person)
    mine = owner.call("GET", "/v1/customers/me", who={"claims": {"party": person}}).json
    assert (mine["email"], mine["email_verified"]) == ("new@example.com", True)
    assert owner.published("contact_changed")[-1]["email"] == "new@example.com"


def test_a_login_that_sees_the_account_is_noted(owner):
    person = owner.account(owner.account_id)["customers"][0]["id"]
    told = {"user_id": new_id(owner.now), "party_id": person, "account_id": owner.account_id,
            "role": "primary"}  # fmt: skip
    owner.deliver("auth.account_linked.v1", told, subject=owner.account_id)
    assert owner.account(owner.account_id)["customers"][0]["linked_at"] is not None


@pytest.mark.parametrize("path", ["/v1/accounts", "/v1/customers/me", "/v1/staff/accounts?q=abc",
                                  "/v1/staff/trial-balance", "/v1/staff/day-closes"])  # fmt: skip
def test_nothing_is_told_without_a_token(owner, path):
    assert owner.call("GET", path).status_code == 401


@pytest.mark.parametrize("path", ["/v1/staff/accounts?q=abc", "/v1/staff/trial-balance",
                                  "/v1/staff/day-closes"])  # fmt: skip
def test_a_customer_is_no_staff(owner, path):
    answer = owner.customer(owner.account_id, path)
    assert (answer.status_code, answer.json["code"]) == (403, "forbidden")


def test_the_lender_is_public(owner):
    lender = owner.call("GET", "/v1/lender").json
    assert lender["phone"] == "1-855-885-7600"
    assert len(lender["addresses"]) >= 8
    assert lender["cut_off"] == "20:00"


@pytest.mark.parametrize("query", ["2200417", "nunez", "Núñez-Hill", "5XYK33", "000001"])
def test_staff_find_a_contract_by_number_name_or_vin(owner, query):
    found = owner.staff("GET", f"/v1/staff/accounts?q={query}").json["data"]
    assert [row["id"] for row in found] == [owner.account_id]
    assert found[0]["customers"][0]["last_name"] == "Núñez-Hill"


@pytest.mark.parametrize("query", ["%25%25", "__", "zzzz", "220041778399"])
def test_a_search_that_matches_nothing_is_empty(owner, query):
    assert owner.staff("GET", f"/v1/staff/accounts?q={query}").json["data"] == []


def test_staff_read_a_contract_in_full(owner):
    account = owner.account(owner.account_id)
    assert account["account_number"] == "2200417783"
    assert account["terms"]["annual_rate"] == "0.0649"
    assert account["unsatisfied"][0] == {"number": 3, "due_date": "2025-04-24", "amount": 58684}
    assert owner.staff("GET", f"/v1/staff/accounts/{new_id(owner.now)}").status_code == 404


def test_the_trial_balance_balances(owner):
    books = owner.staff("GET", "/v1/staff/trial-balance").json
    assert books["balanced"] is True
    assert books["as_of"] == "2025-05-06"
    balances = {row["account"]: row["balance"] for row in books["data"]}
    assert balances["principal"] == 2921399
    assert balances["cash_clearing"] == 2 * 58684
