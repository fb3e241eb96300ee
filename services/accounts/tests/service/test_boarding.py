from __future__ import annotations

import json

from carport.accounts.api.boarding import board_file
from carport.shared.kernel.identity import account_number_key, match_key
from carport.shared.sealed import decode


def test_a_boarded_loan_owes_its_principal_from_the_contract_date(suite):
    account = suite.account(suite.board())
    assert (account["balance"], account["principal"], account["accrued_interest"]) == (
        3000000, 3000000, 0
    )  # fmt: skip
    assert account["next_due"] == {"amount": 58684, "date": "2025-02-24"}
    assert suite.verify() == []


def test_boarding_tells_the_others_without_personal_data(suite, retail):
    account = suite.board()
    (boarded,) = suite.published("account_boarded")
    key = decode(suite.runtime.settings.keys["account_number"])
    assert boarded["account_number_key"] == account_number_key(key, retail["account_number"])
    assert boarded["account_number_last4"] == "7783"
    assert "Núñez" not in str(boarded)
    assert boarded["parties"] == [
        {"party_id": suite.account(account)["customers"][0]["id"], "role": "primary"}
    ]


def test_the_match_key_is_made_of_name_zip_and_ssn(suite):
    suite.board()
    (recorded,) = suite.published("identity_recorded")
    key = decode(suite.runtime.settings.keys["identity"])
    expected = match_key(key, last_name="NUNEZ HILL", zip_code="75001-1234", ssn_last4="4821")
    assert recorded["match_key"] == expected


def test_the_same_person_on_two_contracts_is_one_party(suite, retail, lease):
    first = suite.account(suite.board())
    second = suite.account(suite.board(lease))
    assert first["customers"][0]["id"] == second["customers"][0]["id"]


def test_another_birth_date_is_another_party(suite, retail):
    first = suite.account(suite.board())
    person = {**retail["customers"][0], "birth_date": "1984-06-03"}
    second = suite.account(suite.board(account_number="2200417784", customers=[person]))
    assert first["customers"][0]["id"] != second["customers"][0]["id"]


def test_the_customer_number_finds_a_party_whose_name_has_changed(suite, retail):
    person = {**retail["customers"][0], "customer_number": "C-100"}
    first = suite.account(suite.board(customers=[person]))
    married = {**person, "last_name": "Okafor"}
    second = suite.account(suite.board(account_number="2200417784", customers=[married]))
    assert first["customers"][0]["id"] == second["customers"][0]["id"]


def test_two_customer_numbers_are_two_parties_even_when_all_else_is_equal(suite, retail):
    people = [{**retail["customers"][0], "customer_number": n} for n in ("C-1", "C-2")]
    first = suite.account(suite.board(customers=[people[0]]))
    second = suite.account(suite.board(account_number="2200417784", customers=[people[1]]))
    assert first["customers"][0]["id"] != second["customers"][0]["id"]


def test_the_ssn_is_not_kept_in_clear(suite):
    suite.board()
    with suite.runtime.reading() as tx:
        (stored,) = tx.exec_driver_sql("SELECT ssn_last4 FROM party").one()
    assert "4821" not in stored


def test_an_old_contract_boards_with_the_fees_its_closes_would_have_assessed(make):
    boarded_late, walked = make("2025-03-09"), make("2025-01-10")
    late, early = boarded_late.board(), walked.board()
    walked.move("2025-03-09")
    names = ("balance", "fees", "past_due", "days_past_due", "accrued_interest", "payoff")
    seen = boarded_late.account(late), walked.account(early)
    assert {n: seen[0][n] for n in names} == {n: seen[1][n] for n in names}
    assert seen[0]["fees"] == 2500
    assert boarded_late.verify() == [] == walked.verify()


def test_an_old_lease_bills_its_past_rentals_when_it_is_boarded(make, lease):
    suite = make("2025-04-30")
    account = suite.account(suite.board(lease))
    assert account["past_due"] == 4 * 50772
    rentals = [line for line in suite.transactions(account["id"]) if line["type"] == "rental"]
    assert [line["amount"] for line in rentals] == [-50772] * 4
    assert suite.verify() == []


def test_a_contract_taken_over_in_mid_life_starts_with_its_opening_figures(make):
    suite = make("2025-06-01")
    opening = {"as_of": "2025-06-01", "principal": 2835490, "accrued_interest": 4033,
               "fees": 2500, "next_due_date": "2025-06-24"}  # fmt: skip
    account = suite.account(suite.board(opening=opening))
    assert account["balance"] == 2835490 + 4033 + 2500
    assert account["next_due"]["date"] == "2025-06-24"
    assert suite.verify() == []


def test_a_refused_contract_leaves_nothing_behind(suite, retail):
    suite.board()
    twin = {**retail, "customers": [{**retail["customers"][0], "birth_date": "1990-01-01"}]}
    answer = suite.staff("POST", "/v1/staff/accounts", twin)
    assert (answer.status_code, answer.json["code"]) == (409, "account_exists")
    with suite.runtime.reading() as tx:
        assert tx.exec_driver_sql("SELECT count(*) FROM party").scalar() == 1


def test_a_file_of_contracts_boards_line_by_line_and_can_be_given_again(suite, tmp_path, retail):
    file = tmp_path / "contracts.jsonl"
    bad = {**retail, "account_number": "2200417799", "term_months": 0}
    file.write_text(f"{json.dumps(retail)}\n\n{json.dumps(bad)}\n", encoding="utf-8")
    assert board_file(suite.runtime, [str(file)]) == 1
    assert board_file(suite.runtime, [str(file)]) == 1
    assert len(suite.published("account_boarded")) == 1
