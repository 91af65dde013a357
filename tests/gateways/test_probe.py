import asyncio
import datetime
import ipaddress
import socket
import ssl
import time
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tradewinds.gateways.probe import PUBLIC_APIS, PublicApi, reachable_venue, resolve_aside

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
BARRED = b"HTTP/1.1 451 Unavailable For Legal Reasons\r\n\r\n"
HOSTS = {"near": "near.test", "far": "far.test"}


def certificate(folder: Path, host: str) -> Path:
    """A self-signed certificate with its key, made for one test run."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=36_500))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{host}.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path


@pytest.fixture(scope="module")
def pems(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pems")
    return {venue: certificate(folder, host) for venue, host in HOSTS.items()}


async def serve(pem, answer, delay_s=0.0):
    """A loopback venue; returns its server. Answer None keeps silent."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pem)

    async def answering(reader, writer):
        await reader.readline()
        await asyncio.sleep(delay_s)
        if answer is not None:
            writer.write(answer)
            await writer.drain()
        else:
            await reader.read()
        writer.close()

    return await asyncio.start_server(answering, "127.0.0.1", 0, ssl=context)


async def loopback(host, port):
    if host not in HOSTS.values():
        raise socket.gaierror("no such name")
    return "127.0.0.1"


def api(venue, server_or_port):
    port = server_or_port
    if not isinstance(port, int):
        port = port.sockets[0].getsockname()[1]
    return PublicApi(host=HOSTS.get(venue, f"{venue}.invalid"), path="/ping", port=port)


def probe(pems, near, far=None, timeout_s=3.0):
    """Probe near, then far. Each is (certificate's venue, answer, delay) or a port."""

    async def run():
        trust = ssl.create_default_context()
        for pem in pems.values():
            trust.load_verify_locations(pem)
        apis, servers = {}, []
        for venue, given in (("near", near), ("far", far)):
            if isinstance(given, tuple):
                signer, *rest = given
                servers.append(await serve(pems[signer], *rest))
                apis[venue] = api(venue, servers[-1])
            elif given is not None:
                apis[venue] = api(venue, given)
        started = time.monotonic()
        try:
            found = await reachable_venue(
                ["near", "far"], timeout_s, resolve=loopback, context=trust, apis=apis
            )
        finally:
            for server in servers:
                server.close()
        return found, time.monotonic() - started

    return asyncio.run(run())


@pytest.fixture
def refused():
    with socket.socket() as probe_socket:
        probe_socket.bind(("127.0.0.1", 0))
        return probe_socket.getsockname()[1]


@pytest.fixture
def blackhole():
    """Connects, and never says a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_the_first_venue_that_answers_is_taken(pems):
    assert probe(pems, ("near", OK), ("far", OK))[0] == "near"


def test_a_better_venue_may_be_a_little_slower(pems):
    assert probe(pems, ("near", OK, 0.2), ("far", OK))[0] == "near"


def test_the_second_is_taken_where_the_first_refuses(pems, refused):
    assert probe(pems, refused, ("far", OK))[0] == "far"


def test_a_silent_venue_costs_a_second_not_the_whole_time(pems, blackhole):
    found, took_s = probe(pems, blackhole, ("far", OK), timeout_s=20.0)
    assert found == "far"
    assert took_s < 10.0


def test_silence_everywhere_ends_at_the_timeout(pems, blackhole):
    found, took_s = probe(pems, blackhole, ("far", None), timeout_s=0.3)
    assert found is None
    assert took_s < 5.0


def test_a_captive_portal_is_not_the_venue(pems):
    assert probe(pems, ("far", OK))[0] is None


def test_a_venue_that_bars_this_country_does_not_count(pems):
    assert probe(pems, ("near", BARRED))[0] is None


@pytest.mark.parametrize("answer", [b"", b"\r\n", b"SSH-2.0-x\r\n", b"x" * 100_000])
def test_an_answer_that_is_none_does_not_count(pems, answer):
    assert probe(pems, ("near", answer))[0] is None


def test_an_unknown_name_is_a_no(pems):
    async def run():
        apis = {"gone": PublicApi(host="gone.invalid", path="/")}
        return await reachable_venue(["gone"], 3.0, resolve=loopback, apis=apis)

    assert asyncio.run(run()) is None


def test_a_lookup_that_hangs_holds_up_neither_the_probe_nor_the_exit(monkeypatch):
    """The real resolver, with a lookup that takes far longer than the probe may."""

    def hang(*_, **__):
        # It ends after its test, in whatever test runs then: as a lookup that failed.
        time.sleep(30)
        raise socket.gaierror("too late")

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    started = time.monotonic()
    assert asyncio.run(reachable_venue(["binance", "kraken"], 0.2)) is None
    assert time.monotonic() - started < 10.0


def test_the_real_resolver_knows_localhost_and_reports_what_it_does_not(monkeypatch):
    assert ipaddress.ip_address(asyncio.run(resolve_aside("localhost", 443))).is_loopback

    def fail(*_, **__):
        raise socket.gaierror("no such name")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(socket.gaierror):
        asyncio.run(resolve_aside("gone.invalid", 443))


def test_a_venue_without_a_public_address_is_passed_over():
    assert asyncio.run(reachable_venue(["nowhere"], 1.0)) is None
    assert asyncio.run(reachable_venue([], 1.0)) is None


def test_every_public_address_is_a_plain_host_and_path():
    for public in PUBLIC_APIS.values():
        assert "/" not in public.host
        assert public.path.startswith("/")
        assert public.port == 443
