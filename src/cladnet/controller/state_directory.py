# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What a controller keeps on disk: the CA, its own certificate and the administrator's token."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path

from cladnet.atomic_file import PRIVATE_MODE, write_atomically
from cladnet.controller.authority import Authority, KeyPair, server_names
from cladnet.core.errors import InvalidInput

_PUBLIC_MODE = 0o644
_TOKEN_BYTES = 32


class StateDirectory:
    """The state directory of a controller; whatever is missing is made.

    Args:
        path: the directory; it must exist.
        advertise: addresses at which agents reach this controller, for its certificate.

    Raises:
        InvalidInput: the directory does not exist, cannot be written, or holds something damaged.
    """

    def __init__(self, path: Path, advertise: Sequence[str]) -> None:
        self._pki = path / "pki"
        self._advertise = advertise
        try:
            self._pki.mkdir(mode=0o700, exist_ok=True)
            self.admin_token = self._token(path / "admin.token")
            self.authority = Authority(self._ca())
            self.renew_server_certificate()
        except OSError as exc:
            raise InvalidInput(f"state_dir: {exc.filename or path} cannot be used: {exc.strerror}.") from exc

    @property
    def server_key_file(self) -> Path:
        """The private key of the controller, PEM."""
        return self._pki / "server.key"

    @property
    def server_certificate_file(self) -> Path:
        """The certificate of the controller, PEM."""
        return self._pki / "server.crt"

    def server_pair(self) -> KeyPair:
        """Key and certificate of the controller."""
        return KeyPair(self.server_key_file.read_bytes(), self.server_certificate_file.read_bytes())

    def renew_server_certificate(self) -> bool:
        """Makes a new server certificate if the old one will not do; says whether it did."""
        now = datetime.now(timezone.utc)
        made = self.server_certificate_file.exists() and self.server_key_file.exists()
        if made and self.authority.serves(self.server_pair(), server_names(self._advertise), now):
            return False
        pair = self.authority.server_pair(self._advertise, now=now)
        write_atomically(self.server_key_file, pair.key_pem, mode=PRIVATE_MODE)
        write_atomically(self.server_certificate_file, pair.certificate_pem, mode=_PUBLIC_MODE)
        return True

    def _ca(self) -> KeyPair:
        key_file, certificate_file = self._pki / "ca.key", self._pki / "ca.crt"
        if not certificate_file.exists():
            pair = Authority.create(datetime.now(timezone.utc))
            write_atomically(key_file, pair.key_pem, mode=PRIVATE_MODE)
            write_atomically(certificate_file, pair.certificate_pem, mode=_PUBLIC_MODE)
        return KeyPair(key_file.read_bytes(), certificate_file.read_bytes())

    @staticmethod
    def _token(file: Path) -> str:
        if not file.exists():
            write_atomically(file, secrets.token_urlsafe(_TOKEN_BYTES).encode() + b"\n", mode=PRIVATE_MODE)
        token = file.read_text().strip()
        if not token:
            raise InvalidInput(f"{file} is empty.", hint="Delete it and restart: a new token is made.")
        return token
