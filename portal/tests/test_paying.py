"""Paying: preview, one effect however often it is sent, honest words when something fails."""

from __future__ import annotations

import pytest
from fake_data import LATE, LOAN, identifier
from fake_gateway import PASSWORD
from portal_browser import Browser, Form

BANK = {
    "payment_method_id": "new",
    "holder_name": "Jordan Rivera",
    "routing_number": "021000021",
    "account_number": "000123456789",
    "account_type": "checking",
}


def review(customer, **typed):
    """Fill in the payment form; the address of the review page."""
    answer = customer.submit(f"/pay?account={identifier(LOAN)}", "/pay", **typed)
    assert answer.status_code == 303, answer.text
    return answer.location


def pay(customer, **typed):
    where = review(customer, **typed)
    return customer.submit(where, where).location


def test_the_review_shows_where_the_money_will_go(customer, fake):
    html = customer.get(review(customer)).text
    for word in ("$153.56", "$433.28", "$28,237.17", "••4321", "May 1, 2025", "authorise"):
        assert word in html
    assert fake.payments == {}


def test_confirming_pays_once_and_leads_to_the_receipt(customer, fake):
    where = pay(customer)
    (payment,) = fake.payments.values()
    assert where == f"/payments/{payment['id']}"
    assert (payment["amount"], payment["state"]) == (58684, "accepted")
    assert payment["confirmation_number"] in customer.get(where).text


def test_a_double_click_a_reload_and_a_second_tab_send_the_same_key(customer, fake):
    where = review(customer)
    form = Form(customer.get(where).text, where).fields
    landed = {customer.send(where, form).location for _ in range(3)}
    assert len(landed) == 1
    assert len(fake.payments) == 1
    assert len(set(fake.keys("/v1/payments"))) == 1


def test_two_reviews_are_two_payments_and_the_second_one_warns(customer, fake):
    pay(customer)
    second = review(customer)
    html = customer.get(second).text
    assert "You gave a payment of the same amount" in html
    customer.submit(second, second)
    assert len(set(fake.keys("/v1/payments"))) == 2


def test_going_back_to_a_confirmed_payment_leads_to_its_receipt(customer, fake):
    where = review(customer)
    receipt = customer.submit(where, where).location
    html = customer.get(where).text
    assert "You have confirmed this payment" in html
    assert receipt in html
    assert f'action="{where}"' not in html
    assert "Confirm below only if you want to pay again" not in html


def test_a_cancelled_payment_of_the_same_amount_warns_of_nothing(customer, fake):
    pay(customer)
    next(iter(fake.payments.values()))["state"] = "cancelled"
    assert "of the same amount" not in customer.get(review(customer)).text


@pytest.mark.parametrize("status", [502, 503])
def test_no_answer_says_that_the_outcome_is_unknown_and_retries_the_same_payment(
    customer, fake, status
):
    fake.refuse("POST", "/v1/payments", status, "temporarily_unavailable", money_moved="unknown")
    where = review(customer)
    answer = customer.submit(where, where)
    assert answer.status_code == status
    assert "We do not know yet whether money has moved" in answer.text
    assert "Try the same payment again" in answer.text
    assert "ref-12345678" in answer.text
    fake.refusals.clear()
    assert customer.submit(where, where).location.startswith("/payments/")
    assert len(set(fake.keys("/v1/payments"))) == 1


def test_the_safe_retry_is_offered_even_when_nothing_answers(customer, fake):
    where = review(customer)
    fields = Form(customer.get(where).text, where).fields
    account = f"/v1/accounts/{identifier(LOAN)}"
    for method, path in [("POST", "/v1/payments"), ("GET", account), ("GET", "/v1/accounts"),
                         ("GET", "/v1/payment-methods"), ("GET", "/v1/payments"),
                         ("GET", "/v1/lender"), ("GET", "/v1/auth/me")]:  # fmt: skip
        fake.refuse(method, path, 503, "temporarily_unavailable", money_moved="unknown")
    html = customer.send(where, fields).text
    for words in ("Try the same payment again", "$586.84", "••4321", "Where your money will go"):
        assert words in html


def test_a_method_that_is_gone_is_asked_for_again(customer, fake):
    answer = customer.submit(
        f"/pay?account={identifier(LOAN)}", "/pay", payment_method_id=identifier(49)
    )
    assert answer.status_code == 422
    assert "Choose what to pay with." in answer.text


def test_a_refused_payment_says_that_no_money_has_moved(customer, fake):
    detail = "The most that can be paid is $28,824.01."
    fake.refuse("POST", "/v1/payments", 422, "exceeds_payoff", detail=detail, money_moved="no")
    where = review(customer)
    html = customer.submit(where, where).text
    for word in ("That is more than you owe", detail, "No money has moved.", "ref-12345678"):
        assert word in html


@pytest.mark.parametrize(
    ("typed", "cents"),
    [("586.84", 58684), ("$1,234.5", 123450), ("  20 ", 2000), ("0.01", 1)],
)
def test_another_amount_is_read_as_people_write_it(customer, fake, typed, cents):
    pay(customer, choice="other", other_amount=typed)
    (payment,) = fake.payments.values()
    assert payment["amount"] == cents


@pytest.mark.parametrize("typed", ["", "0", "-5", "1e3", "NaN", "12.345", "٣", "1,23", "9" * 30])
def test_what_is_no_amount_is_refused_at_its_field(customer, fake, typed):
    answer = customer.submit(
        f"/pay?account={identifier(LOAN)}", "/pay", choice="other", other_amount=typed
    )
    assert answer.status_code == 422
    assert "Enter an amount above zero" in answer.text
    assert "No money has moved." in answer.text


@pytest.mark.parametrize("day", ["2025-02-30", "tomorrow", "20250601"])
def test_what_is_no_day_is_refused(customer, day):
    answer = customer.submit(f"/pay?account={identifier(LOAN)}", "/pay", date=day)
    assert answer.status_code == 422


def test_a_later_day_is_scheduled(customer, fake):
    html = customer.get(pay(customer, date="2025-05-20")).text
    (sent,) = fake.called("POST", "/v1/payments")
    assert sent["date"] == "2025-05-20"
    assert "Your payment is scheduled" in html
    assert "Nothing has been taken yet" in html


def test_todays_payment_carries_no_date(customer, fake):
    pay(customer)
    assert "date" not in fake.called("POST", "/v1/payments")[0]


def test_extra_money_follows_the_choice(customer, fake):
    pay(customer, choice="other", other_amount="900", extra="principal")
    assert fake.called("POST", "/v1/payments")[0]["extra"] == "principal"


def test_what_is_past_due_is_offered_first(customer):
    html = customer.get(f"/pay?account={identifier(LATE)}").text
    assert html.index("Everything past due") < html.index("Another amount")
    assert "$611.84" in html
    assert "$1,173.68" in html


def test_a_new_bank_account_is_added_on_the_way(customer, fake):
    fake.stepped_up = False
    pay(customer, **BANK, current_password=PASSWORD)
    (payment,) = fake.payments.values()
    assert payment["payment_method"]["last4"] == "6789"


def test_a_wrong_routing_number_is_marked_and_nothing_is_paid(customer, fake):
    typed = BANK | {"routing_number": "1"}
    answer = customer.submit(f"/pay?account={identifier(LOAN)}", "/pay", **typed)
    assert answer.status_code == 422
    assert 'aria-describedby="h-routing_number e-routing_number"' in answer.text
    assert fake.payments == {}


def test_paying_does_not_wait_for_a_preview(customer, fake):
    path = f"/v1/accounts/{identifier(LOAN)}/allocation-previews"
    fake.refuse("POST", path, 503, "temporarily_unavailable")
    where = review(customer)
    assert "cannot be calculated right now" in customer.get(where).text
    assert customer.submit(where, where).location.startswith("/payments/")


def test_a_draft_that_is_gone_says_that_no_money_moved(customer):
    answer = customer.get("/pay/review/nothing")
    assert answer.location == "/pay"
    assert "No money has moved" in customer.get("/pay").text


def test_somebody_elses_draft_cannot_be_confirmed(customer, portal, fake):
    where = review(customer)
    other = Browser(portal())
    other.log_in()
    form = Form(other.get("/dashboard").text, "/logout").fields
    assert other.send(where, form).location == "/pay"
    assert fake.payments == {}


def test_the_receipt_turns_from_accepted_to_posted(customer, fake):
    where = pay(customer)
    assert "data-follow" in customer.get(where).text
    news = customer.get(f"{where}/status").json
    assert (news["state"], news["wait_ms"] > 0) == ("accepted", True)
    fake.post_all()
    news = customer.get(f"{where}/status").json
    assert (news["state"], news["wait_ms"]) == ("posted", 0)
    assert "Your payment is posted" in news["html"]
    assert "data-follow" not in customer.get(where).text


def test_the_receipts_news_say_when_the_session_is_over(customer, fake):
    where = pay(customer)
    fake.access = fake.refresh = "ended"
    answer = customer.get(f"{where}/status", headers={"Accept": "application/json"})
    assert (answer.status_code, answer.json["code"]) == (401, "signed_out")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {"state": "failed", "money_moved": "no", "reason": {"code": "x", "text": "Declined."}},
            ["did not go through", "Declined.", "No money has moved."],
        ),
        ({"state": "unknown", "money_moved": "unknown"}, ["Please do not pay again."]),
        (
            {"state": "returned", "reason": {"code": "R01", "text": "Insufficient funds."}},
            ["sent the payment back", "Insufficient funds."],
        ),
        ({"state": "cancelled", "money_moved": "no"}, ["is cancelled", "No money has moved."]),
        ({"state": "processing"}, ["being processed"]),
    ],
)
def test_a_receipt_tells_each_state_in_words(customer, fake, change, words):
    where = pay(customer)
    next(iter(fake.payments.values())).update(change)
    html = customer.get(where).text
    assert [word for word in words if word not in html] == []


def test_a_payment_is_cancelled_after_asking(customer, fake):
    where = pay(customer)
    assert "Cancel this payment?" in customer.get(f"{where}/cancel").text
    assert customer.submit(f"{where}/cancel", f"{where}/cancel").location == where
    assert "is cancelled" in customer.get(where).text
    assert customer.get(f"{where}/cancel").location == where


def test_a_payment_method_is_added_and_removed(customer, fake):
    typed = {name: value for name, value in BANK.items() if name != "payment_method_id"}
    answer = customer.submit("/payment-methods/new", "/payment-methods/new", **typed)
    assert answer.location == "/payment-methods"
    assert "••6789" in customer.get("/payment-methods").text
    assert "000123456789" not in customer.get("/payment-methods").text
    customer.submit("/payment-methods", f"/payment-methods/{identifier(40)}/remove")
    assert [m["last4"] for m in fake.methods] == ["6789"]


def test_adding_a_method_needs_the_password_when_the_last_proof_is_old(customer, fake):
    fake.stepped_up = False
    assert "current_password" in customer.get("/payment-methods/new").text
    typed = {name: value for name, value in BANK.items() if name != "payment_method_id"}
    answer = customer.submit("/payment-methods/new", "/payment-methods/new", **typed)
    assert answer.status_code == 401
    assert "confirm that it is you" in answer.text
    answer = customer.submit(
        "/payment-methods/new", "/payment-methods/new", **typed, current_password=PASSWORD
    )
    assert answer.status_code == 303


def test_the_preview_while_typing_answers_a_fragment(customer):
    form = Form(customer.get("/pay").text, "/pay").fields
    body = {"account_id": identifier(LOAN), "amount": "100.00", "csrf_token": form["csrf_token"]}
    assert "$100.00" in customer.send("/pay/preview", body).json["html"]
    assert customer.send("/pay/preview", body | {"amount": "x"}).json == {"html": ""}
