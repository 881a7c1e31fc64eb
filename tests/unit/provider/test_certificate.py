"""A made-up certificate is for all nodes of one service, and for nobody else."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from soop_components.provider.certificate import certificate

SUFFIX = "gateway-service.dev-access"


def shake_hands(pem: Path, trusted: str, name: str) -> None:
    """Let a client that trusts one certificate meet a server that has another, in memory."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pem)
    client = ssl.create_default_context(cadata=trusted[trusted.index("-----BEGIN CERTIFICATE") :])
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(to_client, to_server, server_hostname=name),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    while ends:
        for end in list(ends):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
            ends.remove(end)


def test_who_trusts_it_meets_the_nodes_of_the_service(tmp_path: Path) -> None:
    made = certificate(SUFFIX)
    (tmp_path / "made.pem").write_text(made)
    shake_hands(tmp_path / "made.pem", made, f"gateway-1.{SUFFIX}")
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        shake_hands(tmp_path / "made.pem", made, "web-1.access-service.dev-access")
    with pytest.raises(ssl.SSLCertVerificationError, match=r"self.signed certificate"):
        shake_hands(tmp_path / "made.pem", certificate(SUFFIX), f"gateway-1.{SUFFIX}")


def test_long_names_of_services_and_domains() -> None:
    suffix = f"{'a' * 40}.{'b' * 60}"
    assert certificate(suffix).count("-----BEGIN") == 2
