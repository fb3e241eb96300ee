"""The main job through the gateway's public API: register, see, pay, be told, log out."""

from __future__ import annotations

from support import journeys


def test_a_customer_registers_pays_586_84_sees_it_posted_is_told_and_logs_out(api, staff):
    journeys.pay_the_instalment(api, staff)


def test_a_customer_signs_in_at_the_portal_sees_the_account_and_signs_out(api, staff):
    journeys.sign_in_at_the_portal(api, staff)


def test_the_receipt_of_a_payment_arrives_in_an_open_stream(api, staff):
    journeys.hear_of_a_payment(api, staff)


def test_a_lessee_sees_the_lease_end_options_with_reasons_and_the_buyout_figure(api, staff):
    journeys.look_at_the_lease_end(api, staff)
