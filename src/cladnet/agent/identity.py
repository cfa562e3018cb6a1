# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The identity of a host towards its controllers: an EC P-256 key, the request for a certificate, and it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from cladnet.core.errors import InvalidInput
from cladnet.core.identity import SpiffeId

_COMMON_NAME_MAX_CHARACTERS = 64


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate of this host, as PEM, and what it says."""

    pem: bytes
    spiffe_id: SpiffeId
    not_before: datetime
    not_after: datetime

    def renewal_at(self) -> datetime:
        """When a new one is to be fetched: after two thirds of its life."""
        life: timedelta = self.not_after - self.not_before
        return self.not_before + life * 2 / 3

    def problem(self, now: datetime) -> str:
        """Why it cannot be used now; empty if it can."""
        if now >= self.not_after:
            return (
                f"the certificate of this host expired on {self.not_after:%Y-%m-%d %H:%M} UTC: enrol it again"
            )
        if now < self.not_before - timedelta(minutes=5):
            return (
                f"the clock says {now:%Y-%m-%d %H:%M} UTC, before the certificate of this host begins: set it"
            )
        return ""


def new_identity_key() -> bytes:
    """A new private key as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def certificate_request(key_pem: bytes, identity: SpiffeId) -> bytes:
    """A request (PKCS #10, PEM) for a certificate of this identity, signed with the key.

    Raises:
        InvalidInput: the key is damaged.
    """
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, identity.host[:_COMMON_NAME_MAX_CHARACTERS])])
    builder = x509.CertificateSigningRequestBuilder().subject_name(name)
    alternative = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(str(identity))])
    request = builder.add_extension(alternative, critical=False).sign(_private_key(key_pem), hashes.SHA256())
    return request.public_bytes(serialization.Encoding.PEM)


def read_certificate(pem: bytes, key_pem: bytes) -> Certificate:
    """The certificate in a PEM file, if it belongs to the key.

    Raises:
        InvalidInput: it is damaged, is of another key, or names no host of a CLADNet.
    """
    try:
        parsed = x509.load_pem_x509_certificate(pem)
        names = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    except (ValueError, x509.ExtensionNotFound) as exc:
        raise InvalidInput(f"the certificate of this host is damaged: {exc}") from exc
    if parsed.public_key() != _private_key(key_pem).public_key():
        raise InvalidInput("the certificate of this host does not belong to its identity key")
    return Certificate(
        pem=pem,
        spiffe_id=SpiffeId.parse(next(iter(uris), "")),
        not_before=parsed.not_valid_before_utc,
        not_after=parsed.not_valid_after_utc,
    )


def _private_key(pem: bytes) -> ec.EllipticCurvePrivateKey:
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError) as exc:
        raise InvalidInput("the identity key of this host is damaged") from exc
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise InvalidInput("the identity key of this host is no EC key")
    return key
