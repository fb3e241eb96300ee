"""What the fake gateway says besides accounts: the lender, the person, methods, messages."""

from __future__ import annotations

from typing import Any

from fake_data import LEASE, LOAN, NOW, TODAY, identifier


def lease() -> dict[str, Any]:
    stops = [(120, "2025-11-01"), (90, "2025-12-01"), (60, "2025-12-31"), (30, "2026-01-30")]
    titles = {120: "We write to you", 90: "Choose an option", 60: "Book the inspection", 30: "Last"}
    milestones = [
        {"days_before": n, "date": day, "title": titles[n], "reached": n == 120} for n, day in stops
    ]
    return {
        "account_id": identifier(LEASE),
        "maturity_date": "2026-03-01",
        "days_to_maturity": 304,
        "milestones": [
            *milestones,
            {"days_before": 0, "date": "2026-03-01", "title": "Your lease ends", "reached": False},
        ],
        "payments_left": 10,
        "payment": 50772,
        "mileage": {
            "annual_allowance": 10000,
            "term_allowance": 30000,
            "excess_rate": 20,
            "start": 12,
        },
        "fees": {"disposition": 40000, "purchase_option": 30000},
        "options": [
            {
                "type": "extend",
                "title": "Extend the lease",
                "open": False,
                "opens_on": "2025-12-01",
                "reasons": [
                    {
                        "code": "too_early",
                        "text": "It can be asked for from 90 days before the end.",
                    }
                ],
            },
            {
                "type": "buyout",
                "title": "Buy the car",
                "open": True,
                "opens_on": None,
                "reasons": [],
            },
            {
                "type": "turn_in",
                "title": "Turn the car in",
                "open": False,
                "opens_on": None,
                "reasons": [{"code": "past_due", "text": "A rental is past due."}],
            },
        ],
        "buyout": {
            "amount": 2596642,
            "as_of": TODAY,
            "basis": "adjusted_balance",
            "parts": {
                "price": 2359308,
                "purchase_option_fee": 30000,
                "unpaid": 0,
                "tax": 207334,
            },
        },
        "as_of": TODAY,
    }


def lender() -> dict[str, Any]:
    def address(product: str, purpose: str, delivery: str, *lines: str) -> dict[str, Any]:
        return {"product": product, "purpose": purpose, "delivery": delivery, "lines": list(lines)}

    return {
        "name": "Kia Finance America",
        "phone": "1-855-885-7600",
        "email": "customerservice@kiafinance.example.com",
        "hours": ["Monday to Friday, 8:00 AM to 8:00 PM Eastern"],
        "time_zone": "America/New_York",
        "cut_off": "20:00",
        "currency": "USD",
        "grace_days": 10,
        "late_fee": "As your contract says, for example $25.00, after the grace period.",
        "cards": {"debit": True, "credit": False},
        "addresses": [
            address("retail", "payment", "regular", "P.O. Box 650805", "Dallas, TX 75265-0805"),
            address("retail", "payment", "overnight", "Box 650805", "Richardson, TX 75081"),
            address("lease", "payment", "regular", "P.O. Box 660891", "Dallas, TX 75266-0891"),
            address("retail", "payoff", "regular", "P.O. Box 650805", "Dallas, TX 75265-0805"),
        ],
        "languages": ["en"],
        "colours": {"primary": "#05141f", "accent": "#5f7d95"},
        "chat_hours": ["Monday to Friday, 8:00 AM to 8:00 PM Eastern"],
    }


def terms() -> dict[str, Any]:
    def document(title: str) -> dict[str, str]:
        return {
            "version": "2025-01",
            "title": title,
            "text": "Keep your password to yourself. " * 20,
        }

    return {
        "version": "2025-01",
        "terms_of_use": document("Terms of use of the customer portal"),
        "esign_disclosure": document("Electronic records and signatures"),
    }


def me(*, step_up_until: str | None) -> dict[str, Any]:
    return {
        "id": identifier(90),
        "email": "jordan@example.com",
        "username": "jordan",
        "email_verified": True,
        "party": identifier(91),
        "accounts": [],
        "scopes": ["customer"],
        "created_at": NOW,
        "step_up_until": step_up_until,
    }


def sessions() -> list[dict[str, Any]]:
    return [
        {
            "id": identifier(70 + n),
            "created_at": NOW,
            "last_used_at": NOW,
            "client_id": client,
            "current": n == 0,
        }
        for n, client in enumerate(["portal", "api", "portal"])
    ]


def method(number: int, last4: str) -> dict[str, Any]:
    return {
        "id": identifier(number),
        "type": "bank_account",
        "brand": "Checking",
        "last4": last4,
        "account_type": "checking",
        "holder_name": "Jordan Rivera",
        "status": "usable",
        "created_at": NOW,
    }


def methods() -> list[dict[str, Any]]:
    return [method(40, "4321")]


def payment(number: int, body: dict[str, Any], paid_with: dict[str, Any]) -> dict[str, Any]:
    state = "scheduled" if body.get("date") else "accepted"
    return {
        "id": identifier(500 + number),
        "account_id": body["account_id"],
        "state": state,
        "settlement": "none",
        "amount": body["amount"],
        "currency": "USD",
        "payment_method": {name: paid_with[name] for name in ("id", "type", "brand", "last4")},
        "extra": body.get("extra"),
        "effective_date": body.get("date") or TODAY,
        "confirmation_number": f"7QK4M2X{number:03d}",
        "created_at": NOW,
        "reason": None,
        "money_moved": "no" if state == "scheduled" else "yes",
        "allocation": None,
        "balance_after": None,
        "cancellable": True,
        "cancel_before": "2025-05-02T00:00:00Z",
        "history": [{"state": state, "at": NOW}],
    }


def messages() -> list[dict[str, Any]]:
    return [
        {
            "id": identifier(60 + n),
            "subject": subject,
            "body": "Your payment of $586.84 counts on April 24.\n\nThank you.",
            "account_id": identifier(LOAN),
            "read": n > 0,
            "created_at": NOW,
            "why": {
                "event_type": "accounts.payment_posted.v1",
                "event_id": identifier(80 + n),
                "text": "Because a payment was posted to your account.",
            },
        }
        for n, subject in enumerate(["Your payment is posted", "Your payment is due in 10 days"])
    ]


def preferences() -> dict[str, Any]:
    def event(name: str, title: str, *, required: bool) -> dict[str, Any]:
        channels = {"email": True, "text": False, "inbox": True}
        return {"event": name, "title": title, "required": required, "channels": channels}

    return {
        "events": [
            event("payment_due", "A payment is due soon", required=False),
            event("payment_posted", "A payment is posted", required=False),
            event("payment_returned", "A payment came back from the bank", required=True),
        ],
        "days_ahead": [10, 0],
        "quiet_hours": {"from": "21:00", "to": "08:00"},
    }


def letters() -> list[dict[str, Any]]:
    return [
        {
            "id": identifier(88),
            "channel": "email",
            "to": "jordan@example.com",
            "subject": "Confirm your e-mail address",
            "text": "Open this link to finish your registration.",
            "html": None,
            "links": ["http://localhost:8080/verify?token=good-token", "javascript:alert(1)"],
            "event_type": "auth.registration_requested.v1",
            "sent_at": NOW,
        }
    ]


def person() -> dict[str, Any]:
    return {
        "id": identifier(91),
        "first_name": "Jordan",
        "last_name": "Rivera",
        "email": "jordan@example.com",
        "phone": "+12145550100",
        "language": "en",
        "address": {
            "line1": "12 Sample Street",
            "line2": None,
            "city": "Dallas",
            "state": "TX",
            "zip": "75001",
        },
        "email_verified": True,
        "accounts": [identifier(LOAN)],
    }
