"""Each overlay rendered once."""

from __future__ import annotations

import pytest
from support import manifests


@pytest.fixture(scope="session")
def rendered():
    return {name: manifests.render(name) for name in manifests.OVERLAYS}


@pytest.fixture(params=manifests.OVERLAYS)
def objects(request, rendered):
    """Every object of one overlay after the other."""
    return rendered[request.param]


@pytest.fixture
def production(rendered):
    return rendered["production"]
