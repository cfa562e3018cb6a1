# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The hash functions of WireGuard: BLAKE2s as hash, as keyed hash, in HMAC and in HKDF.

Source: WireGuard whitepaper, section 5.4; RFC 7693 (BLAKE2), RFC 2104 (HMAC), RFC 5869 (HKDF).
"""

from __future__ import annotations

import hmac
from hashlib import blake2s

MAC_SIZE_BYTES = 16


def blake2s_hash(*parts: bytes) -> bytes:
    """Hash(part || part ...), 32 bytes."""
    return blake2s(b"".join(parts)).digest()


def blake2s_mac(key: bytes, data: bytes) -> bytes:
    """Mac(key, data): keyed BLAKE2s, 16 bytes."""
    return blake2s(data, key=key, digest_size=MAC_SIZE_BYTES).digest()


def blake2s_hmac(key: bytes, data: bytes) -> bytes:
    """Hmac(key, data): HMAC over BLAKE2s, 32 bytes."""
    return hmac.digest(key, data, "blake2s")


def derive_keys(chaining_key: bytes, secret: bytes, count: int) -> list[bytes]:
    """Kdf_n(key, input): HKDF over HMAC-BLAKE2s.

    Args:
        chaining_key: 32 bytes.
        secret: fresh key material, may be empty.
        count: how many keys of 32 bytes, 1 to 3 in WireGuard.
    """
    extracted = blake2s_hmac(chaining_key, secret)
    keys: list[bytes] = []
    block = b""
    for number in range(1, count + 1):
        block = blake2s_hmac(extracted, block + bytes([number]))
        keys.append(block)
    return keys
