# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What an agent keeps on disk: its keys, its certificate, the enrolment token, and the last-good rule."""

from __future__ import annotations

import base64
import binascii
import json
import logging
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from cladnet.agent.identity import Certificate, new_identity_key, read_certificate
from cladnet.atomic_file import write_atomically
from cladnet.core.errors import InvalidInput, Unavailable
from cladnet.core.orders import Orders
from cladnet.core.rule_table import RuleTable
from cladnet.core.rule_table_document import KEY_BYTES, table_from_document, table_to_document

_log = logging.getLogger(__name__)
_DIRECTORY_MODE = 0o700


@dataclass(frozen=True, slots=True)
class Rekeying:
    """How far ordered new keys are.

    Args:
        done: so many of the ordered ones are made.
        next_key: the last of them (private, 32 bytes) until the controllers know it; empty afterwards.
    """

    done: int = 0
    next_key: bytes = field(default=b"", repr=False)


class StateDirectory:
    """The state directory of one agent; every file is 0600 and replaced as a whole.

    Args:
        path: the directory; made if missing.

    Raises:
        Unavailable: it cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            path.mkdir(mode=_DIRECTORY_MODE, parents=True, exist_ok=True)
        except OSError as exc:
            raise Unavailable(f"The state directory {path} cannot be made: {exc.strerror}.") from exc

    def wireguard_key(self) -> bytes:
        """The private key of the tunnel (32 bytes), made at the first call.

        Raises:
            InvalidInput: the file holds something else.
            Unavailable: it cannot be read or written.
        """
        path = self._path / "wireguard.key"
        text = self._read(path)
        if text is None:
            text = base64.b64encode(new_wireguard_key()) + b"\n"
            self._write(path, text)
        try:
            key = base64.b64decode(text.strip(), validate=True)
        except binascii.Error:
            key = b""
        if len(key) != KEY_BYTES:
            raise InvalidInput(f"{path} holds no WireGuard key.", hint="Remove it and enrol this host again.")
        return key

    def store_wireguard_key(self, key: bytes) -> None:
        """Keeps another private key of the tunnel.

        Raises:
            Unavailable: it cannot be written.
        """
        self._write(self._path / "wireguard.key", base64.b64encode(key) + b"\n")

    def rekeying(self) -> Rekeying:
        """How far ordered new keys are; none were ordered if nothing (or nothing of use) is kept."""
        document = self._document("rekeying.json")
        try:
            next_key = base64.b64decode(document["next_key"], validate=True)
            return Rekeying(int(document["done"]), next_key if len(next_key) == KEY_BYTES else b"")
        except (KeyError, TypeError, ValueError):
            return Rekeying()

    def store_rekeying(self, rekeying: Rekeying) -> None:
        """Keeps how far ordered new keys are.

        Raises:
            Unavailable: it cannot be written.
        """
        next_key = base64.b64encode(rekeying.next_key).decode()
        self._store_document("rekeying.json", {"done": rekeying.done, "next_key": next_key})

    def orders(self) -> Orders:
        """What an administrator wanted last; the defaults if nothing (or nothing of use) is kept."""
        document = self._document("orders.json")
        try:
            return Orders(bool(document["is_down"]), int(document["rekeys_requested"]))
        except (KeyError, TypeError, ValueError):
            return Orders()

    def store_orders(self, orders: Orders) -> None:
        """Keeps what an administrator wants, for a start without controllers.

        Raises:
            Unavailable: it cannot be written.
        """
        self._store_document("orders.json", asdict(orders))

    def identity_key(self) -> bytes:
        """The private key of the certificate as PEM, made at the first call.

        Raises:
            Unavailable: it cannot be read or written.
        """
        path = self._path / "identity.key"
        pem = self._read(path)
        if pem is None:
            pem = new_identity_key()
            self._write(path, pem)
        return pem

    def certificate(self) -> Certificate | None:
        """This host's certificate; None if it has none, or one that is no use (which is logged)."""
        path = self._path / "identity.crt"
        pem = self._read(path)
        if pem is None:
            return None
        try:
            return read_certificate(pem, self.identity_key())
        except InvalidInput as exc:
            _log.error("%s is of no use: %s", path, exc)
            return None

    def store_certificate(self, pem: bytes) -> None:
        """Keeps a new certificate.

        Raises:
            Unavailable: it cannot be written.
        """
        self._write(self._path / "identity.crt", pem)

    def token(self) -> str:
        """The one-time enrolment token; empty if there is none."""
        return (self._read(self._path / "enrolment.token") or b"").decode("ascii", "replace").strip()

    def remove_token(self) -> None:
        """Forgets the token, which is of no more use."""
        (self._path / "enrolment.token").unlink(missing_ok=True)

    def load_table(self) -> RuleTable:
        """The last-good rule; an empty one if there is none. A damaged file is set aside, and logged."""
        path = self._path / "table.json"
        text = self._read(path)
        if text is None:
            return RuleTable()
        try:
            return table_from_document(json.loads(text))
        except (ValueError, RecursionError, InvalidInput) as exc:
            aside = path.with_name("table.json.damaged")
            path.replace(aside)
            _log.error("%s is damaged (%s): set aside as %s, starting without it", path, exc, aside.name)
            return RuleTable()

    def store_table(self, table: RuleTable) -> None:
        """Keeps the rule for the next start.

        Raises:
            Unavailable: it cannot be written (disk full); the last one is still there.
        """
        text = json.dumps(table_to_document(table), separators=(",", ":"))
        self._write(self._path / "table.json", text.encode())

    def forget_membership(self) -> None:
        """Removes certificate, token, rule and orders: this host has left its network. The keys stay."""
        for name in ("identity.crt", "enrolment.token", "table.json", "orders.json", "rekeying.json"):
            (self._path / name).unlink(missing_ok=True)

    def _document(self, name: str) -> Mapping[str, Any]:
        """A small JSON document; an empty one if it is missing or damaged (which is logged)."""
        try:
            document = json.loads(self._read(self._path / name) or b"{}")
        except (ValueError, RecursionError) as exc:
            _log.error("%s is damaged (%s) and not used", self._path / name, exc)
            return {}
        return document if isinstance(document, dict) else {}

    def _store_document(self, name: str, document: Mapping[str, Any]) -> None:
        self._write(self._path / name, json.dumps(document).encode())

    @staticmethod
    def _read(path: Path) -> bytes | None:
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as exc:
            raise Unavailable(f"{path} cannot be read: {exc.strerror}.") from exc

    @staticmethod
    def _write(path: Path, data: bytes) -> None:
        try:
            write_atomically(path, data)
        except OSError as exc:
            raise Unavailable(f"{path} cannot be written: {exc.strerror}.") from exc


def new_wireguard_key() -> bytes:
    """32 random bytes, clamped as ``wg genkey`` does (RFC 7748, section 5)."""
    key = bytearray(os.urandom(KEY_BYTES))
    key[0] &= 248
    key[31] = key[31] & 127 | 64
    return bytes(key)
