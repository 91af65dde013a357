"""What can be pasted: each venue's own keys, and a word about each wrong one."""

import base64
import json

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from tradewinds.vault.credentials import cdp_file, check_environment, credentials
from tradewinds.vault.errors import KeyRefused
from tradewinds.vault.keys import Environment, KeyVenue
from tradewinds.vault.secret import Secret

UUID = "01234567-89ab-cdef-0123-456789abcdef"
NAME = f"organizations/{UUID}/apiKeys/{UUID}"
KEY = "aB3" * 21 + "x"
PLAIN = "Zy9" * 21 + "q"
PKCS8 = serialization.PrivateFormat.PKCS8
SEC1 = serialization.PrivateFormat.TraditionalOpenSSL


def pem(
    key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey,
    form: serialization.PrivateFormat = PKCS8,
    password: bytes = b"",
) -> str:
    protection: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if password:
        protection = serialization.BestAvailableEncryption(password)
    return key.private_bytes(serialization.Encoding.PEM, form, protection).decode()


EC_KEY = ec.generate_private_key(ec.SECP256R1())
ED_KEY = ed25519.Ed25519PrivateKey.generate()


def refusal(venue: KeyVenue, key: str, secret: str) -> str:
    with pytest.raises(KeyRefused) as caught:
        credentials(venue, Secret(key), Secret(secret))
    told = str(caught.value)
    assert not secret or secret.strip()[-20:] not in told
    return told


@pytest.mark.parametrize(
    "text",
    [
        pem(EC_KEY, SEC1),
        pem(EC_KEY),
        pem(EC_KEY, SEC1).replace("\n", "\\n"),
        pem(EC_KEY, SEC1).replace("\n", "\r\n"),
        "\n  " + pem(EC_KEY, SEC1).replace("\n", "\n  "),
    ],
    ids=["EC PRIVATE KEY", "PKCS8", "escaped line ends", "Windows line ends", "indented"],
)
def test_a_coinbase_key_is_kept_in_the_form_its_client_signs_with(text: str) -> None:
    made = credentials(KeyVenue.COINBASE, Secret(f" {NAME}\n"), Secret(text))
    assert made.key.reveal() == NAME
    assert made.secret.reveal() == pem(EC_KEY, SEC1)


@pytest.mark.parametrize(
    "text", [pem(ED_KEY), base64.b64encode(bytes(range(64))).decode()], ids=["PEM", "base64"]
)
def test_an_ed25519_key_of_coinbase_is_refused_with_the_reason(text: str) -> None:
    told = refusal(KeyVenue.COINBASE, NAME, text)
    assert "Ed25519" in told
    assert "ECDSA" in told


@pytest.mark.parametrize(
    "text",
    [
        pem(ec.generate_private_key(ec.SECP384R1())),
        pem(rsa.generate_private_key(65537, 2048)),
        pem(EC_KEY, PKCS8, b"locked"),
        pem(EC_KEY)[:100],
        "",
        "x" * 64,
    ],
    ids=["P-384", "RSA", "locked PEM", "cut PEM", "nothing", "plain"],
)
def test_other_secrets_are_refused_for_coinbase(text: str) -> None:
    assert "ECDSA" in refusal(KeyVenue.COINBASE, NAME, text)


@pytest.mark.parametrize(
    "name", ["", KEY, "organizations/x/apiKeys/y", NAME + "/z", pem(EC_KEY)], ids=range(5)
)
def test_a_coinbase_key_needs_its_name(name: str) -> None:
    assert "CDP key name" in refusal(KeyVenue.COINBASE, name, pem(EC_KEY))


@pytest.mark.parametrize("venue", [KeyVenue.BINANCE_SPOT, KeyVenue.BINANCE_USDM])
@pytest.mark.parametrize(
    "text",
    [PLAIN, pem(ED_KEY), pem(rsa.generate_private_key(65537, 2048))],
    ids=["plain", "Ed25519", "RSA"],
)
def test_binance_takes_plain_secrets_and_its_private_keys(venue: KeyVenue, text: str) -> None:
    made = credentials(venue, Secret(f"{KEY}\n"), Secret(f" {text}\n"))
    assert made.key.reveal() == KEY
    assert made.secret.reveal() == text


@pytest.mark.parametrize(
    "text",
    [
        pem(EC_KEY),
        pem(rsa.generate_private_key(65537, 1024)),
        "",
        "has space",
        PLAIN + "=",
        f"{PLAIN}\n{PLAIN}",
    ],
    ids=["EC", "short RSA", "nothing", "space", "sign", "twice"],
)
def test_other_secrets_are_refused_for_binance(text: str) -> None:
    assert "secret is neither" in refusal(KeyVenue.BINANCE_SPOT, KEY, text)


def test_the_key_pasted_twice_is_noticed() -> None:
    assert "same text" in refusal(KeyVenue.BINANCE_SPOT, KEY, KEY)


def test_the_portals_file_is_read_and_another_one_refused() -> None:
    text = json.dumps({"name": NAME, "privateKey": pem(EC_KEY, SEC1)})
    name, private = cdp_file(Secret(text))
    made = credentials(KeyVenue.COINBASE, name, private)
    assert made.secret.reveal() == pem(EC_KEY, SEC1)
    for other in ("{}", "{", '{"name": "x"}', '{"id": "x", "privateKey": "y"}'):
        with pytest.raises(KeyRefused, match="portal"):
            cdp_file(Secret(other))


def test_coinbase_has_no_playground() -> None:
    check_environment(KeyVenue.COINBASE, Environment.PRODUCTION)
    check_environment(KeyVenue.BINANCE_SPOT, Environment.DEMO)
    for environment in (Environment.TESTNET, Environment.DEMO):
        with pytest.raises(KeyRefused, match="no testnet"):
            check_environment(KeyVenue.COINBASE, environment)
