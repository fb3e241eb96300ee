"""One key, one payment: what forty impatient clients get."""

from __future__ import annotations

from support import journeys


def test_forty_parallel_posts_with_one_key_make_one_payment_and_one_answer(api, staff):
    journeys.send_one_key_forty_times(api, staff)


def test_the_same_key_with_another_body_is_refused_and_no_money_moves(api, staff):
    journeys.send_one_key_with_another_body(api, staff)
