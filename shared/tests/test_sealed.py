"""What is sealed opens for its recipient, in its place, in its time, and for nobody else."""

from __future__ import annotations

import stat
from datetime import timedelta

import pytest
from carport.shared import config, sealed
from carport.shared.kernel.clock import utc_now

KEYS = sealed.make_keys()
NOW = utc_now()


def seal(data, minutes=5):
    public = KEYS["auth"]["seal_public"]["notifications"]
    return sealed.seal(public, data, NOW + timedelta(minutes=minutes))


def test_the_recipient_reads_what_was_sealed():
    text = seal({"email": "sam@example.com", "token": "abc"})
    assert "example" not in text
    opened = sealed.open_(KEYS["notifications"]["seal_private"], text, NOW)
    assert opened == {"email": "sam@example.com", "token": "abc"}


def test_another_key_reads_nothing():
    with pytest.raises(sealed.Unsealable):
        sealed.open_(sealed.make_keys()["notifications"]["seal_private"], seal({}), NOW)


def test_a_secret_outlives_its_purpose_by_nothing():
    with pytest.raises(sealed.Expired):
        sealed.open_(KEYS["notifications"]["seal_private"], seal({}), NOW + timedelta(minutes=5))


@pytest.mark.parametrize("text", ["", "a.b.c.d.e", "x" * 100])
def test_garbage_is_unsealable(text):
    with pytest.raises(sealed.Unsealable):
        sealed.open_(KEYS["notifications"]["seal_private"], text, NOW)


def test_a_value_at_rest_opens_only_in_its_place():
    rest = sealed.AtRest(KEYS["accounts"]["at_rest"])
    text = rest.encrypt("123-45-6789", "party", "ssn", "row-1")
    assert "6789" not in text
    assert rest.decrypt(text, "party", "ssn", "row-1") == "123-45-6789"
    for place in (("party", "ssn", "row-2"), ("party", "name", "row-1"), ("user", "ssn", "row-1")):
        with pytest.raises(sealed.Unsealable):
            rest.decrypt(text, *place)


def test_the_same_value_looks_different_each_time():
    rest = sealed.AtRest(KEYS["accounts"]["at_rest"])
    assert rest.encrypt("x", "t", "c", "r") != rest.encrypt("x", "t", "c", "r")


def test_old_keys_still_read_after_a_rotation_and_unknown_ones_do_not():
    old = KEYS["accounts"]["at_rest"]
    text = sealed.AtRest(old).encrypt("x", "t", "c", "r")
    rotated = {"current": "new", "keys": {**old["keys"], "new": sealed.new_key()}}
    assert sealed.AtRest(rotated).decrypt(text, "t", "c", "r") == "x"
    assert sealed.AtRest(rotated).encrypt("x", "t", "c", "r").startswith("new.")
    with pytest.raises(sealed.Unsealable):
        sealed.AtRest(KEYS["payments"]["at_rest"]).decrypt(text, "t", "c", "r")


def test_keys_files_are_made_once_and_only_their_owner_reads_them(tmp_path):
    made = sealed.write_keys(tmp_path / "keys")
    assert sorted(path.stem for path in made) == [
        "accounts", "auth", "lease", "notifications", "payments"]  # fmt: skip
    assert {stat.S_IMODE(path.stat().st_mode) for path in made} == {0o600}
    before = {path: path.read_bytes() for path in made}
    assert sealed.write_keys(tmp_path / "keys") == []
    assert {path: path.read_bytes() for path in made} == before
    loaded = {path.stem: config.read_keys(path) for path in made}
    assert loaded["auth"]["identity"] == loaded["accounts"]["identity"]
    assert [name for name, keys in loaded.items() if "signing" in keys] == ["auth"]
    assert [name for name, keys in loaded.items() if "seal_private" in keys] == ["notifications"]


def test_a_keys_file_that_others_may_read_is_refused(tmp_path):
    path = sealed.write_keys(tmp_path)[0]
    path.chmod(0o644)
    with pytest.raises(config.Misconfigured, match="chmod 600"):
        config.read_keys(path)
