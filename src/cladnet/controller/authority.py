# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Certificates: the CA of the agents, the controller's own certificate, and those that are signed for hosts.

A host proves that it has a key; who it is, we say: nothing else of its request goes into a certificate.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from ipaddress import ip_address

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from cladnet.core.errors import InvalidInput
from cladnet.core.identity import CONTROLLER_NAME, SpiffeId

CA_LIFE = timedelta(days=3650)
SERVER_LIFE = timedelta(days=365)
HOST_LIFE = timedelta(days=90)
_CLOCK_SKEW = timedelta(hours=2)  # hosts whose clock is late still accept a certificate made now
_MOST_REQUEST_BYTES = 16384
_LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class SigningRequest:
    """A certificate request whose signature is right: somebody has the private key to this public key."""

    public_key: ec.EllipticCurvePublicKey

    @property
    def identity(self) -> str:
        """SHA-256 (hex) of the public key."""
        return fingerprint(self.public_key)


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A private key and its certificate, both PEM."""

    key_pem: bytes
    certificate_pem: bytes

    def __repr__(self) -> str:
        return "KeyPair(...)"


def read_request(pem: bytes) -> SigningRequest:
    """A certificate request (PKCS #10, PEM).

    Raises:
        InvalidInput: it is none, its signature is wrong, or its key is not EC P-256.
    """
    try:
        request = x509.load_pem_x509_csr(pem[:_MOST_REQUEST_BYTES])
        key = request.public_key()
        valid = request.is_signature_valid
    except (ValueError, TypeError, UnsupportedAlgorithm) as exc:
        raise InvalidInput("The certificate request cannot be read: send PKCS #10 as PEM.") from exc
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise InvalidInput("The key in the certificate request must be EC P-256.")
    if not valid:
        raise InvalidInput("The certificate request is not signed with its own key.")
    return SigningRequest(key)


def fingerprint(key: ec.EllipticCurvePublicKey) -> str:
    """SHA-256 (hex) of a public key in its SubjectPublicKeyInfo form."""
    return hashlib.sha256(
        key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    ).hexdigest()


class Authority:
    """The CA of the agents.

    Args:
        pair: its key and certificate.

    Raises:
        InvalidInput: they are damaged or do not belong together.
    """

    def __init__(self, pair: KeyPair) -> None:
        try:
            key = serialization.load_pem_private_key(pair.key_pem, password=None)
            self._certificate = x509.load_pem_x509_certificate(pair.certificate_pem)
        except (ValueError, TypeError, UnsupportedAlgorithm) as exc:
            raise InvalidInput("The key or certificate of the CA is damaged.") from exc
        if (
            not isinstance(key, ec.EllipticCurvePrivateKey)
            or key.public_key() != self._certificate.public_key()
        ):
            raise InvalidInput("The key and the certificate of the CA do not belong together.")
        self._key = key
        self.certificate_pem = pair.certificate_pem

    @classmethod
    def create(cls, now: datetime) -> KeyPair:
        """A new CA."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = _name("cladnet agent CA")
        builder = _builder(name, name, key.public_key(), now, CA_LIFE)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        builder = builder.add_extension(_key_usage(signs_certificates=True), critical=True)
        return _pair(key, builder.sign(key, hashes.SHA256()))

    def sign(self, request: SigningRequest, identity: SpiffeId, *, now: datetime | None = None) -> bytes:
        """A certificate (PEM) with which the host proves to controllers who it is."""
        name = x509.UniformResourceIdentifier(str(identity))
        purpose = ExtendedKeyUsageOID.CLIENT_AUTH
        certificate = self._leaf(request.public_key, _name(identity.host), [name], purpose, HOST_LIFE, now)
        return certificate.public_bytes(serialization.Encoding.PEM)

    def server_pair(self, advertise: Iterable[str], *, now: datetime | None = None) -> KeyPair:
        """A key and certificate for a controller.

        Args:
            advertise: addresses (or names) at which it is reached from outside.
            now: for tests.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        names = list(map(_general_name, server_names(advertise)))
        purpose = ExtendedKeyUsageOID.SERVER_AUTH
        return _pair(
            key, self._leaf(key.public_key(), _name(CONTROLLER_NAME), names, purpose, SERVER_LIFE, now)
        )

    def serves(self, pair: KeyPair, names: Iterable[str], now: datetime) -> bool:
        """Whether a pair will do for a controller: ours, for these names, a third of its life left."""
        try:
            certificate = x509.load_pem_x509_certificate(pair.certificate_pem)
            key = serialization.load_pem_private_key(pair.key_pem, password=None)
            certificate.verify_directly_issued_by(self._certificate)
            extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm, x509.ExtensionNotFound):
            return False
        left = certificate.not_valid_after_utc - now
        whole = key.public_key() == certificate.public_key()
        return whole and set(extension.value) == set(map(_general_name, names)) and left > SERVER_LIFE / 3

    def _leaf(
        self,
        public_key: ec.EllipticCurvePublicKey,
        subject: x509.Name,
        names: list[x509.GeneralName],
        purpose: x509.ObjectIdentifier,
        life: timedelta,
        now: datetime | None,
    ) -> x509.Certificate:
        start = now or datetime.now(timezone.utc)
        builder = _builder(subject, self._certificate.subject, public_key, start, life)
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(_key_usage(signs_certificates=False), critical=True)
        builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        return builder.add_extension(issuer, critical=False).sign(self._key, hashes.SHA256())


def server_names(advertise: Iterable[str]) -> list[str]:
    """Every name that a controller's certificate is for, each once."""
    return list(dict.fromkeys([CONTROLLER_NAME, *_LOCAL_NAMES, *advertise]))


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    public_key: ec.EllipticCurvePublicKey,
    now: datetime,
    life: timedelta,
) -> x509.CertificateBuilder:
    identifier = x509.SubjectKeyIdentifier.from_public_key(public_key)
    builder = x509.CertificateBuilder(issuer_name=issuer, subject_name=subject, public_key=public_key)
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now - _CLOCK_SKEW).not_valid_after(now + life)
    return builder.add_extension(identifier, critical=False)


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _pair(key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> KeyPair:
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return KeyPair(private, certificate.public_bytes(serialization.Encoding.PEM))
