# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The first contact of a host: a one-time token and a certificate request for a certificate (HTTPS)."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from pathlib import Path

from cladnet.core.error_codes import error_of_document
from cladnet.core.errors import Unavailable
from cladnet.core.identity import CONTROLLER_NAME

TIMEOUT_S = 10.0
_MAX_REPLY_BYTES = 1024 * 1024


def enrol(address: str, port: int, *, ca_file: Path, token: str, request_pem: bytes) -> bytes:
    """Exchanges the token for a certificate at one controller. Blocks; call it in a thread.

    Args:
        address: of the controller.
        port: of its API.
        ca_file: the CA that signs the certificates of the controllers, PEM.
        token: as the controller gave it to the operator.
        request_pem: PKCS #10.

    Returns:
        The certificate, PEM.

    Raises:
        Unavailable: no (sensible) answer, or no CA certificate to check it with; a later try may do.
        CladnetError: the controller's refusal, with its words.
    """
    body = json.dumps({"token": token, "csr_pem": request_pem.decode("ascii")})
    context = _trust(ca_file)
    try:
        with (
            socket.create_connection((address, port), timeout=TIMEOUT_S) as plain,
            context.wrap_socket(plain, server_hostname=CONTROLLER_NAME) as secure,
        ):
            status, reply = _post(secure, address, body)
    except ssl.SSLCertVerificationError as exc:
        raise Unavailable(
            f"{address}:{port} is no controller of this network: {exc.verify_message}.",
            hint=f"Its CA should be the one in {ca_file}.",
        ) from exc
    except (OSError, http.client.HTTPException) as exc:
        raise Unavailable(f"no answer from the controller at {address}:{port}: {exc}") from exc
    return _certificate(status, reply, f"{address}:{port}")


def _trust(ca_file: Path) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=str(ca_file))
    except OSError as exc:
        raise Unavailable(f"{ca_file} holds no CA certificate: {exc.strerror or exc}.") from exc


def _post(secure: ssl.SSLSocket, address: str, body: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(address)
    connection.sock = secure
    connection.request("POST", "/v1/enrol", body, {"Content-Type": "application/json", "Connection": "close"})
    response = connection.getresponse()
    return response.status, response.read(_MAX_REPLY_BYTES)


def _certificate(status: int, reply: bytes, target: str) -> bytes:
    try:
        document = json.loads(reply)
        if status == http.client.OK:
            return str(document["certificate_pem"]).encode("ascii")
        refusal = error_of_document(document["error"])
    except (ValueError, KeyError, TypeError) as exc:
        raise Unavailable(
            f"{target} answered with status {status} and no sense: is it a controller?"
        ) from exc
    raise refusal
