import asyncio
import socket
import ssl
import time
from pathlib import Path

import pytest

from tradewinds.gateways.probe import PUBLIC_APIS, PublicApi, reachable_venue, resolve_aside

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
BARRED = b"HTTP/1.1 451 Unavailable For Legal Reasons\r\n\r\n"


@pytest.fixture(scope="session")
def pems(tmp_path_factory) -> Path:
    """A throwaway authority that has signed certificates for good.test and other.test."""
    trust = pytest.importorskip("trustme")
    folder = tmp_path_factory.mktemp("pems")
    authority = trust.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    for host in ("good.test", "other.test"):
        authority.issue_cert(host).private_key_and_cert_chain_pem.write_to_path(
            str(folder / f"{host}.pem")
        )
    return folder
