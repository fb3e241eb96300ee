"""Units speak TLS to each other with mounted certificates, and to nobody they cannot be sure of."""

from __future__ import annotations

import os
import signal
import ssl
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta

import httpx2
import pytest
from carport.shared import sealed
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from support.running import free_port

START_S_MAX = 60.0
NEVER = "https://localhost:9"
PUBLIC = "https://pay.example.com"


def name_of(text):
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


def certificate(subject, *, by=None, is_ca=False):
    """(certificate, key), signed by another such pair or by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    issuer, signer = (by[0].subject, by[1]) if by else (name_of(subject), key)
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name_of(subject))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(subject)]), critical=False)
        .sign(signer, hashes.SHA256())
    )
    return made, key


@pytest.fixture(scope="module")
def secrets(tmp_path_factory):
    """What cert-manager mounts, and the services' keys."""
    folder = tmp_path_factory.mktemp("secrets")
    authority = certificate("carport", is_ca=True)
    own, key = certificate("localhost", by=authority)
    pem = serialization.Encoding.PEM
    (folder / "ca.crt").write_bytes(authority[0].public_bytes(pem))
    (folder / "tls.crt").write_bytes(own.public_bytes(pem))
    (folder / "tls.key").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    sealed.write_keys(folder / "keys")
    return folder


@pytest.fixture(scope="module")
def ports():
    return {unit: free_port() for unit in ("lease", "gateway", "portal", "strange gateway")}


@pytest.fixture(scope="module")
def environ(secrets, ports):
    address = {unit: f"https://localhost:{port}" for unit, port in ports.items()}
    upstreams = {
        f"CARPORT_UPSTREAM_{name}": NEVER
        for name in ("AUTH", "ACCOUNTS", "PAYMENTS", "NOTIFICATIONS")
    }
    return {
        **os.environ,
        **upstreams,
        "CARPORT_ENV": "production",
        "CARPORT_HOME": str(secrets),
        "CARPORT_DATABASE_URL": f"sqlite:///{secrets}/lease.db",
        "CARPORT_SESSIONS_URL": f"sqlite:///{secrets}/auth.db",
        "CARPORT_JWKS_URL": f"{NEVER}/.well-known/jwks.json",
        "CARPORT_PUBLIC_BASE_URL": PUBLIC,
        "CARPORT_LEASE_KEYS_FILE": str(secrets / "keys" / "lease.json"),
        "CARPORT_UPSTREAM_LEASE": address["lease"],
        "CARPORT_UPSTREAM_PORTAL": address["portal"],
        "CARPORT_GATEWAY_URL": address["gateway"],
        "CARPORT_TLS_CERT_FILE": str(secrets / "tls.crt"),
        "CARPORT_TLS_KEY_FILE": str(secrets / "tls.key"),
        "SSL_CERT_FILE": str(secrets / "ca.crt"),
    }


@contextmanager
def begun(environ, unit, port, folder):
    """A unit's web role as a process of its own."""
    log = folder / f"{unit}-{port}.log"
    with log.open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", f"carport.{unit}", *(["web"] if unit != "gateway" else [])],
            env={**environ, "CARPORT_PORT": str(port)},
            stdout=out,
            stderr=out,
        )
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def wait(port):
    deadline = time.monotonic() + START_S_MAX
    while not answers(port):
        assert time.monotonic() < deadline, f"nothing answers on {port + 1}"
        time.sleep(0.05)


def client(folder):
    trusted = ssl.create_default_context(cafile=str(folder / "ca.crt"))
    named = {"Host": PUBLIC.removeprefix("https://")}
    return httpx2.Client(verify=trusted, trust_env=False, timeout=10, headers=named)


def answers(port):
    try:
        return httpx2.get(f"http://localhost:{port + 1}/healthz", trust_env=False).is_success
    except httpx2.HTTPError:
        return False


@pytest.fixture(scope="module")
def running(environ, ports, secrets):
    subprocess.run(
        [sys.executable, "-m", "carport.lease", "migrate"], env=environ, check=True, timeout=60
    )
    stranger = {name: value for name, value in environ.items() if name != "SSL_CERT_FILE"}
    with ExitStack() as stack:
        for name, port in ports.items():
            unit = name.removeprefix("strange ")
            stack.enter_context(begun(environ if unit == name else stranger, unit, port, secrets))
            if unit == "lease":  # a gateway asks for documents when it starts
                wait(port)
        for port in ports.values():
            wait(port)
        yield


@pytest.mark.usefixtures("running")
def test_the_gateway_reads_its_services_over_tls(secrets, ports):
    with client(secrets) as http:
        paths = http.get(f"https://localhost:{ports['gateway']}/openapi.json").json()["paths"]
        status = http.get(f"https://localhost:{ports['gateway']}/status").json()
    assert any(path.startswith("/v1/leases") for path in paths)
    assert status["services"]["auth"] == "away"


@pytest.mark.usefixtures("running")
def test_a_page_comes_from_the_portal_through_the_gateway(secrets, ports):
    with client(secrets) as http:
        page = http.get(f"https://localhost:{ports['gateway']}/login")
        again = http.get(f"https://localhost:{ports['gateway']}/login")
    assert (page.status_code, again.status_code) == (200, 200)
    assert "text/html" in page.headers["content-type"]
    log = (secrets / f"gateway-{ports['gateway']}.log").read_text()
    assert '"route": "/v1/lender"' in log and '"status": 400' not in log


@pytest.mark.usefixtures("running")
def test_nobody_is_served_in_the_clear(ports):
    for port in ports.values():
        with pytest.raises(httpx2.HTTPError):
            httpx2.get(f"http://localhost:{port}/healthz", trust_env=False)


@pytest.mark.usefixtures("running")
def test_a_gateway_that_does_not_know_the_authority_believes_nobody(secrets, ports):
    with client(secrets) as http:
        address = f"https://localhost:{ports['strange gateway']}"
        document = http.get(f"{address}/openapi.json").json()
        page = http.get(f"{address}/login")
    assert document["paths"] == {} and page.status_code == 503
