"""A walk of the business date with contracts on the way: worked numbers, to the cent.

A scenario boards a contract and registers what happens on which date and what must then be seen;
the walk moves the date once and runs every step on its day.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from support.client import SAMPLE, SAMPLE_LEASE, Api, contract

Step = tuple[str, Callable[[], None]]


@dataclass
class World:
    """The running suite with one customer, who holds every contract of the walk."""

    api: Api
    staff: Api
    customer: Api
    method_id: str
    owner: dict[str, Any]
    email: str
    steps: list[Step] = field(default_factory=list)

    def account(self, base: dict[str, Any] = SAMPLE, **changes: Any) -> Contract:
        document = contract(base, **changes) | {"customers": [self.owner]}
        return Contract(self, document)

    def walk(self) -> None:
        for day, step in sorted(self.steps, key=lambda s: s[0]):
            if day > self.api.today():
                self.api.move_to(day, within_s=300)
            step()

    def log_in_again(self) -> None:
        self.customer = self.api.log_in(self.email)


class Contract:
    """One contract of the walk: its steps are registered before the walk begins."""

    def __init__(self, world: World, document: dict[str, Any]):
        self.world, self.document, self.id = world, document, ""
        self.on(document["contract_date"], self.board)

    def on(self, day: str, step: Callable[[], None]) -> None:
        self.world.steps.append((day, step))

    def board(self) -> None:
        self.id = self.world.staff.board(self.document)["id"]
        self.world.log_in_again()

    def pay(self, day: str, amount: int, *, interest: int, principal: int, balance: int,
            fees: int = 0) -> None:  # fmt: skip
        """Pay and see every cent of it where it belongs."""

        def step() -> None:
            self.world.log_in_again()
            customer = self.world.customer
            payment = customer.pay(self.id, self.world.method_id, amount)
            posted = customer.until(payment["id"], "posted")
            assert posted["effective_date"] == day
            parts = posted["allocation"]
            found = (parts["interest"], parts["principal"], parts["fees"], self.see()["principal"])
            assert found == (interest, principal, fees, balance), day

        self.on(day, step)

    def expect(self, day: str, **members: Any) -> None:
        """The account shows *members* while *day* is open."""

        def step() -> None:
            self.world.log_in_again()
            account = self.see()
            assert {name: account[name] for name in members} == members, day

        self.on(day, step)

    def see(self) -> dict[str, Any]:
        return self.world.customer.get(f"/v1/accounts/{self.id}")


def begin(api: Api) -> World:
    """Somebody who will hold every contract of the walk, on the first day."""
    staff = api.staff()
    assert api.today() == "2025-01-01"
    document = contract(SAMPLE, contract_date="2025-01-01")
    staff.board(document)
    email = f"{uuid.uuid4().hex}@example.com"
    customer = api.register(document, email)
    method = customer.add_bank_account()
    return World(api, staff, customer, method, document["customers"][0], email)


def first_two(account: Contract) -> None:
    account.pay("2025-02-24", 58684, interest=24004, principal=34680, balance=2_965_320)
    account.pay("2025-03-24", 58684, interest=14763, principal=43921, balance=2_921_399)


def paid_on_every_due_date(world: World) -> None:
    """Table 2.2, rows 1-4 and 12."""
    account = world.account()
    first_two(account)
    account.pay("2025-04-24", 58684, interest=16103, principal=42581, balance=2_878_818)
    account.pay("2025-05-24", 58684, interest=15356, principal=43328, balance=2_835_490)
    for number in range(6, 13):
        account.on(f"2025-{number:02d}-24", lambda: pay_unseen(account))
    account.pay("2026-01-24", 58684, interest=13932, principal=44752, balance=2_482_880)
    account.expect("2026-02-01", payments_made=12, payments_remaining=48, past_due=0, fees=0)


def pay_unseen(account: Contract) -> None:
    account.world.log_in_again()
    customer = account.world.customer
    payment = customer.pay(account.id, account.world.method_id, 58684)
    customer.until(payment["id"], "posted")


def third_instalment_paid_on_four_dates(world: World) -> None:
    """Grace stops the fee, not the interest; F1 is the pair around 05-05."""
    for day, interest, principal, balance in (
        ("2025-04-14", 10908, 47776, 2_873_623),
        ("2025-04-24", 16103, 42581, 2_878_818),
        ("2025-05-04", 21297, 37387, 2_884_012),
        ("2025-05-05", 21817, 36867, 2_884_532),
    ):
        account = world.account()
        first_two(account)
        account.pay(day, 58684, interest=interest, principal=principal, balance=balance)
        fee = 2500 if day == "2025-05-05" else 0
        account.expect("2025-05-05", fees=0)
        account.expect("2025-05-06", fees=fee)


def nothing_paid_until_the_end_of_april(world: World) -> None:
    """W1."""
    account = world.account()
    account.expect("2025-04-30", accrued_interest=58677, fees=5000, past_due=3 * 58684)
    account.pay("2025-04-30", 100_000, interest=58677, principal=41323, balance=2_958_677)
    account.expect("2025-05-01", fees=5000, past_due=76052)


def late_fees_of_every_kind(world: World) -> None:
    """F2: the first instalment stays unpaid and its fee falls in the close of 2025-03-07."""
    rule = {"amount": 2500, "basis_points": 500}
    for late_fee, fee in (
        ({"kind": "flat", "amount": 2500}, 2500),
        ({"kind": "percent", "basis_points": 500}, 2934),
        ({"kind": "lesser_of", **rule}, 2500),
        ({"kind": "greater_of", **rule}, 2934),
    ):
        account = world.account(late_fee=late_fee)
        account.expect("2025-03-07", fees=0)
        account.expect("2025-03-08", fees=fee)


def rentals_of_a_lease_are_billed_and_paid(world: World) -> None:
    """L1's total of 507.72 is billed on each due date and satisfied by a payment of it."""
    account = world.account(SAMPLE_LEASE)
    account.expect("2025-01-01", payment=50772, balance=50772)
    account.on("2025-01-05", lambda: pay_rental(account))
    account.expect("2025-01-06", balance=0, past_due=0, payments_made=1)
    account.expect("2025-02-01", balance=50772)
    account.expect("2025-02-12", fees=0, past_due=50772)
    account.expect("2025-02-13", fees=2500)


def pay_rental(account: Contract) -> None:
    account.world.log_in_again()
    customer = account.world.customer
    payment = customer.pay(account.id, account.world.method_id, 50772)
    assert customer.until(payment["id"], "posted")["balance_after"] == 0


def forty_days(world: World) -> None:
    """A lease that bills its rent and a loan paid before it is due, until 2025-02-13."""
    rentals_of_a_lease_are_billed_and_paid(world)
    account = world.account()
    for day in ("2025-01-10", "2025-01-31", "2025-02-12"):
        account.on(day, lambda: pay_unseen(account))
    world.walk()
    assert world.api.today() == "2025-02-13"
