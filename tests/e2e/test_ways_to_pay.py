"""Every way money comes, stays away and goes back, over several days of a suite of its own."""

from __future__ import annotations

import pytest
from support import journeys
from support.client import Api
from support.running import Running


@pytest.fixture(scope="module")
def own_api(tmp_path_factory):
    running = Running(tmp_path_factory.mktemp("pay") / "var").start()
    yield Api(running.url)
    running.kill()


@pytest.fixture(scope="module")
def own_staff(own_api):
    return own_api.staff()


def test_every_way_money_comes_stays_away_and_goes_back(own_api, own_staff):
    journeys.pay_in_every_way(own_api, own_staff)


def test_the_payoff_of_any_day_is_taken_to_the_cent_and_closes_the_account(own_api, own_staff):
    journeys.pay_off(own_api, own_staff)
