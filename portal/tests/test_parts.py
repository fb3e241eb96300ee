"""The small pure parts: formats, standings, colours, drawings, sessions."""

from __future__ import annotations

import pytest
from carport.portal import brand, charts, formats, standing
from carport.portal.sessions.file import FileStore
from fake_data import LATE, account, schedule


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("586.84", 58684),
        ("$586.84", 58684),
        ("1,234.5", 123450),
        ("1,234,567.89", 123456789),
        (" 7 ", 700),
        ("0", None),
        ("0.00", None),
        ("1,23", None),
        ("1.234", None),
        ("-1", None),
        ("1_000", None),
        ("１００", None),
        ("1e3", None),
        ("", None),
    ],
)
def test_amounts_are_read_as_people_write_them_and_in_no_other_way(typed, expected):
    assert formats.cents(typed) == expected


def test_cents_are_typed_back_as_they_were():
    for value in (1, 99, 100, 58684, 123450):
        assert formats.cents(formats.typed(value)) == value


def test_an_instant_is_shown_in_the_lenders_zone():
    shown = formats.instant("2025-05-01T00:30:00Z", "America/New_York")
    assert shown == "April 30, 2025, 8:30 PM EDT"
    assert formats.instant("nonsense") == "–"


@pytest.mark.parametrize(
    ("given", "shown"), [("20:00", "8:00 PM"), ("00:15:00", "12:15 AM"), ("x", "x")]
)
def test_a_time_of_day_reads_as_people_say_it(given, shown):
    assert formats.clock(given) == shown


@pytest.mark.parametrize(
    ("days", "kind"),
    [("2025-05-01", "due_today"), ("2025-05-11", "due_soon"), ("2025-05-12", "on_track")],
)
def test_a_payment_is_due_soon_from_ten_days_before(days, kind):
    assert standing.of(account(1, next_due={"amount": 1, "date": days})).kind == kind


@pytest.mark.parametrize(("days", "kind"), [(1, "in_grace"), (10, "in_grace"), (11, "past_grace")])
def test_grace_is_that_of_the_oldest_unpaid_instalment(days, kind):
    """``ends_on`` may belong to a later instalment that is not late at all."""
    late = account(1, past_due=100, days_past_due=days, grace={"days": 10, "ends_on": "2025-06-03"})
    assert standing.of(late).kind == kind


def test_the_last_day_of_grace_is_named():
    late = account(1, past_due=100, days_past_due=7)
    assert formats.long_day(standing.of(late).grace_ends) == "May 4, 2025"


def test_dates_in_a_description_are_read_as_people_write_them():
    assert formats.plain_days("due 2025-04-13.") == "due Apr 13, 2025."


def test_amounts_offered_start_with_what_is_past_due():
    late = account(
        LATE, past_due=58684, days_past_due=37, fees=2500, grace={"days": 10, "ends_on": None}
    )
    assert standing.amounts(late) == [
        ("past_due", 58684),
        ("past_due_and_fees", 61184),
        ("past_due_and_next", 117368),
    ]


@pytest.mark.parametrize(
    "accent", ["#ffff00", "#bb162b", "#5f7d95", "#ffffff", "#000000", "#777777"]
)
@pytest.mark.parametrize("primary", ["#05141f", "#ffcc00", "#0055ff", "#ffffff"])
def test_every_lenders_colours_stay_readable(primary, accent):
    for surface in (brand.LIGHT, brand.DARK):
        link = brand.readable(accent, surface)
        assert brand.contrast(link, surface) >= 4.5
    css = brand.stylesheet({"primary": primary, "accent": accent})
    for block in css.split("\n")[:2]:
        colours = dict(part.split(":") for part in block.split("{")[-1].strip("}").split(";"))
        for back, front in (
            ("--brand", "--on-brand"),
            ("--button", "--on-button"),
            ("--badge", "--on-badge"),
        ):
            assert brand.contrast(colours[back], colours[front]) >= 4.5, (back, colours)


def test_the_drawing_ends_where_the_schedule_ends():
    chart = charts.paid_down(schedule()["current"])
    assert (chart.paid, chart.total) == (3, 60)
    assert chart.done.startswith("0,0")
    assert chart.ahead.endswith("640,180")
    assert charts.paid_down([]) is None


@pytest.fixture
def store(tmp_path):
    made = FileStore(tmp_path / "sessions.db", now=lambda: 1_000_000.0)
    yield made
    made.close()


def test_a_session_is_found_by_its_id_alone(store, tmp_path):
    session = store.create({"csrf": "x", "secret": "needle"})
    assert store.load(session.id).data["secret"] == "needle"
    assert store.load("A" * 22) is None
    assert store.load("") is None
    assert b"needle" not in b"".join(f.read_bytes() for f in tmp_path.iterdir())


def test_sessions_survive_a_restart(tmp_path):
    first = FileStore(tmp_path / "s.db", now=lambda: 1.0)
    session = first.create({"csrf": "x"})
    first.close()
    second = FileStore(tmp_path / "s.db", now=lambda: 2.0)
    assert second.load(session.id).data == {"csrf": "x"}
    second.close()


def test_changes_at_once_lose_nothing(store):
    session = store.create({})
    store.change(session.id, lambda data: data.update(one=1))
    store.change(session.id, lambda data: data.update(two=2))
    assert store.load(session.id).data == {"one": 1, "two": 2}


def test_ids_are_random_and_never_repeat(store):
    ids = {store.create({}).id for _ in range(300)}
    assert len(ids) == 300
    assert {len(one) for one in ids} == {22}


def test_the_sessions_file_is_for_its_owner_only(store, tmp_path):
    assert (tmp_path / "sessions.db").stat().st_mode & 0o077 == 0
