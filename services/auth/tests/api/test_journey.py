"""The journey of a customer: register, verify, log in, refresh, log out."""

from __future__ import annotations


def test_a_customer_registers_logs_in_refreshes_and_logs_out(boarded):
    boarded.register()
    issued = boarded.log_in()
    assert issued.status_code == 200, issued.json
    me = boarded.get("/v1/auth/me", token=issued.json["access_token"])
    assert me.json["accounts"] == [boarded.account_id]
    renewed = boarded.refresh(issued.json["refresh_token"])
    assert renewed.status_code == 200, renewed.json
    access = renewed.json["access_token"]
    out = boarded.call("DELETE", "/v1/auth/sessions/current", token=access)
    assert out.status_code == 204
    for token in (access, issued.json["access_token"]):
        assert boarded.get("/v1/auth/me", token=token).status_code == 401
    assert boarded.refresh(renewed.json["refresh_token"]).status_code == 401
