# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import ssl
from datetime import datetime, timedelta, timezone
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from cryptography.x509.verification import PolicyBuilder, Store

from cladnet.controller.authority import (
    HOST_LIFE,
    SERVER_LIFE,
    Authority,
    KeyPair,
    read_request,
    server_names,
)
from cladnet.controller.state_directory import StateDirectory
from cladnet.core.errors import InvalidInput
from cladnet.core.identity import SpiffeId

NOW = datetime(2026, 11, 21, tzinfo=timezone.utc)
IDENTITY = SpiffeId("demo", "a1")


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority(Authority.create(NOW))


def request_pem(
    key: ec.EllipticCurvePrivateKey | None = None, uri: str = "spiffe://cladnet/other/root"
) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "cladnet-controller")])
    wish = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(uri)])
    builder = x509.CertificateSigningRequestBuilder(name).add_extension(wish, critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    signed = builder.sign(key or ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.PEM)


def signed(authority: Authority, now: datetime = NOW) -> x509.Certificate:
    return x509.load_pem_x509_certificate(authority.sign(read_request(request_pem()), IDENTITY, now=now))


def alternative_names(certificate: x509.Certificate) -> x509.SubjectAlternativeName:
    return certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value


def test_a_host_gets_the_name_that_we_give_and_nothing_that_it_asks_for(authority: Authority) -> None:
    certificate = signed(authority)
    assert list(alternative_names(certificate)) == [
        x509.UniformResourceIdentifier("spiffe://cladnet/demo/a1")
    ]
    assert certificate.subject.rfc4514_string() == "CN=a1"
    constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    assert not constraints.ca
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert certificate.not_valid_after_utc - NOW == HOST_LIFE


def test_certificates_pass_a_strict_verifier(authority: Authority) -> None:
    store = Store([x509.load_pem_x509_certificate(authority.certificate_pem)])
    builder = PolicyBuilder().store(store).time(NOW)
    client = builder.build_client_verifier().verify(signed(authority), [])
    assert list(client.subjects or []) == [x509.UniformResourceIdentifier(str(IDENTITY))]
    pair = authority.server_pair(["198.51.100.11"], now=NOW)
    server = x509.load_pem_x509_certificate(pair.certificate_pem)
    for name in (x509.DNSName("cladnet-controller"), x509.IPAddress(ip_address("198.51.100.11"))):
        builder.build_server_verifier(name).verify(server, [])


def test_a_clock_that_is_an_hour_late_accepts_a_new_certificate(authority: Authority) -> None:
    assert signed(authority).not_valid_before_utc <= NOW - timedelta(hours=1)


def broken_signature() -> bytes:
    pem = request_pem()
    der = bytearray(x509.load_pem_x509_csr(pem).public_bytes(serialization.Encoding.DER))
    der[-1] ^= 1
    return x509.load_der_x509_csr(bytes(der)).public_bytes(serialization.Encoding.PEM)


def of_another_kind(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    builder = x509.CertificateSigningRequestBuilder(x509.Name([]))
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: b"", "cannot be read"),
        (
            lambda: b"-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n",
            "cannot be read",
        ),
        (lambda: b"x" * 100_000, "cannot be read"),
        (broken_signature, "signed with its own key"),
        (lambda: of_another_kind(ec.generate_private_key(ec.SECP384R1())), "P-256"),
        (lambda: of_another_kind(rsa.generate_private_key(65537, 2048)), "P-256"),
    ],
)
def test_requests_that_prove_nothing(make: object, told: str) -> None:
    with pytest.raises(InvalidInput, match=told):
        read_request(make())  # type: ignore[operator]


@pytest.mark.parametrize(
    ("advertise", "later", "will_do"),
    [
        (["198.51.100.11"], timedelta(0), True),
        (["198.51.100.11"], SERVER_LIFE * 2 / 3 - timedelta(hours=1), True),
        (["198.51.100.11"], SERVER_LIFE * 2 / 3 + timedelta(hours=1), False),
        (["198.51.100.99"], timedelta(0), False),
        ([], timedelta(0), False),
    ],
)
def test_when_a_server_certificate_will_do(
    authority: Authority, advertise: list[str], later: timedelta, will_do: bool
) -> None:
    pair = authority.server_pair(["198.51.100.11"], now=NOW)
    assert authority.serves(pair, server_names(advertise), NOW + later) is will_do


def test_a_pair_of_another_ca_or_of_two_halves_will_not_do(authority: Authority) -> None:
    names = server_names([])
    ours, other = authority.server_pair([], now=NOW), authority.server_pair([], now=NOW)
    theirs = Authority(Authority.create(NOW)).server_pair([], now=NOW)
    assert not authority.serves(theirs, names, NOW)
    assert not authority.serves(KeyPair(ours.key_pem, other.certificate_pem), names, NOW)
    assert not authority.serves(KeyPair(b"", b""), names, NOW)


def test_no_secret_in_a_representation(authority: Authority) -> None:
    assert "PRIVATE" not in repr(authority.server_pair([], now=NOW))


def test_a_state_directory_is_made_once_and_kept(tmp_path: Path) -> None:
    first = StateDirectory(tmp_path, ["198.51.100.11"])
    content = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    modes = {path.name: path.stat().st_mode & 0o777 for path in content}
    assert modes == {
        "admin.token": 0o600,
        "ca.key": 0o600,
        "ca.crt": 0o644,
        "server.key": 0o600,
        "server.crt": 0o644,
    }
    second = StateDirectory(tmp_path, ["198.51.100.11"])
    assert second.admin_token == first.admin_token
    assert {path: path.read_bytes() for path in content} == content


def test_a_new_address_needs_a_new_server_certificate_under_the_same_ca(tmp_path: Path) -> None:
    StateDirectory(tmp_path, ["198.51.100.11"])
    ca, server = (tmp_path / "pki/ca.crt").read_bytes(), (tmp_path / "pki/server.crt").read_bytes()
    state = StateDirectory(tmp_path, ["198.51.100.12"])
    assert (tmp_path / "pki/ca.crt").read_bytes() == ca
    assert state.server_certificate_file.read_bytes() != server
    assert not state.renew_server_certificate()


def test_a_crash_between_key_and_certificate_is_repaired(tmp_path: Path) -> None:
    StateDirectory(tmp_path, [])
    other = Authority(Authority.create(NOW)).server_pair([])
    (tmp_path / "pki/server.key").write_bytes(other.key_pem)
    state = StateDirectory(tmp_path, [])
    ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(
        state.server_certificate_file, state.server_key_file
    )


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda path: (path / "pki/ca.crt").write_text("x"), "damaged"),
        (lambda path: (path / "pki/ca.key").unlink(), "ca.key"),
        (lambda path: (path / "admin.token").write_text("\n"), "admin.token"),
        (lambda path: (path / "pki/ca.key").write_bytes(Authority.create(NOW).key_pem), "belong together"),
    ],
)
def test_damage_is_named(tmp_path: Path, damage: object, told: str) -> None:
    StateDirectory(tmp_path, [])
    damage(tmp_path)  # type: ignore[operator]
    with pytest.raises(InvalidInput, match=told):
        StateDirectory(tmp_path, [])


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="nowhere"):
        StateDirectory(tmp_path / "nowhere", [])
