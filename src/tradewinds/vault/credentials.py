"""What an operator pastes, made into a key and a secret that the venue's client can sign with."""

import base64
import binascii
import re
from typing import Final

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from msgspec import Struct

from tradewinds.vault.errors import KeyRefused
from tradewinds.vault.keys import Environment, KeyVenue
from tradewinds.vault.secret import Secret

BINANCE_TEXT: Final = re.compile(r"[A-Za-z0-9]{16,128}")
UUID: Final = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
COINBASE_NAME: Final = re.compile(rf"organizations/{UUID}/apiKeys/{UUID}")
RSA_BITS_LEAST: Final = 2048
CDP_ED25519_BYTES: Final = 64
ECDSA_ADVICE: Final = (
    "at portal.cdp.coinbase.com create a new key and choose ECDSA under advanced settings "
    "(Ed25519 is its default, and the library that signs our streams cannot use it)"
)

PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey


class Credentials(Struct, frozen=True, kw_only=True):
    """Checked in form only: whether the venue knows them is another question."""

    key: Secret
    secret: Secret


def check_environment(venue: KeyVenue, environment: Environment) -> None:
    """Raises KeyRefused where the venue has no such playground."""
    if venue is KeyVenue.COINBASE and environment is not Environment.PRODUCTION:
        raise KeyRefused(
            "Coinbase has no testnet or demo that fills orders (its sandbox repeats fixed answers "
            "and takes no key): practise on the simulated venue instead"
        )


def credentials(venue: KeyVenue, key: Secret, secret: Secret) -> Credentials:
    """Raises KeyRefused when one of them cannot be what the venue gives out."""
    if venue is KeyVenue.COINBASE:
        return _coinbase(key.reveal().strip(), secret.reveal())
    return _binance(key.reveal().strip(), secret.reveal())


class CdpFile(Struct, frozen=True, kw_only=True):
    """The JSON file that Coinbase's portal offers for download."""

    name: str
    private_key: str = msgspec.field(name="privateKey")


def cdp_file(text: Secret) -> tuple[Secret, Secret]:
    """Key name and private key of the portal's file. Raises KeyRefused for another file."""
    try:
        read = msgspec.json.decode(text.reveal().encode(), type=CdpFile)
    except (msgspec.DecodeError, UnicodeEncodeError):
        raise KeyRefused(
            "this JSON is not a key file of Coinbase's portal: it needs name and privateKey"
        ) from None
    return Secret(read.name), Secret(read.private_key)


def _coinbase(name: str, secret: str) -> Credentials:
    if not COINBASE_NAME.fullmatch(name):
        raise KeyRefused(
            "that is not a CDP key name (organizations/.../apiKeys/...): copy `name` from the "
            f"key file; keys of the old Coinbase Pro no longer work; else {ECDSA_ADVICE}"
        )
    if _is_cdp_ed25519(secret):
        raise KeyRefused(f"this is an Ed25519 key; {ECDSA_ADVICE}")
    private = _private_key(secret)
    if private is None:
        raise KeyRefused(f"the secret is not an EC private key in PEM form; {ECDSA_ADVICE}")
    if isinstance(private, ed25519.Ed25519PrivateKey):
        raise KeyRefused(f"this is an Ed25519 key; {ECDSA_ADVICE}")
    if not isinstance(private, ec.EllipticCurvePrivateKey) or private.curve.name != "secp256r1":
        raise KeyRefused(f"the private key is not on the curve P-256; {ECDSA_ADVICE}")
    encoding = serialization.PrivateFormat.TraditionalOpenSSL
    return Credentials(key=Secret(name), secret=_pem(private, encoding))


def _binance(key: str, secret: str) -> Credentials:
    if not BINANCE_TEXT.fullmatch(key):
        raise KeyRefused("that is not a Binance API key: it has letters and digits only, often 64")
    plain = secret.strip()
    if BINANCE_TEXT.fullmatch(plain):
        if plain == key:
            raise KeyRefused("key and secret are the same text: paste the secret key as well")
        return Credentials(key=Secret(key), secret=Secret(plain))
    private = _private_key(secret)
    if isinstance(private, rsa.RSAPrivateKey) and private.key_size >= RSA_BITS_LEAST:
        return Credentials(key=Secret(key), secret=_pem(private))
    if isinstance(private, ed25519.Ed25519PrivateKey):
        return Credentials(key=Secret(key), secret=_pem(private))
    raise KeyRefused(
        "the secret is neither a Binance secret key (letters and digits) nor an Ed25519 or RSA "
        "private key in PEM form without a passphrase of its own"
    )


def _is_cdp_ed25519(secret: str) -> bool:
    try:
        raw = base64.b64decode(secret.strip(), validate=True)
    except (binascii.Error, ValueError):
        return False
    return len(raw) == CDP_ED25519_BYTES


def _private_key(text: str) -> PrivateKey | None:
    """A PEM may come with its line ends written as backslash and n, as JSON has them."""
    lines = text.replace("\\n", "\n").strip().splitlines()
    pem = "\n".join(line.strip() for line in lines) + "\n"
    try:
        found = serialization.load_pem_private_key(pem.encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    return found if isinstance(found, PrivateKey) else None


def _pem(
    private: PrivateKey,
    encoding: serialization.PrivateFormat = serialization.PrivateFormat.PKCS8,
) -> Secret:
    nothing = serialization.NoEncryption()
    return Secret(private.private_bytes(serialization.Encoding.PEM, encoding, nothing).decode())
