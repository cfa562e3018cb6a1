# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Hash functions and ciphers against published vectors and other implementations."""

from __future__ import annotations

from hashlib import blake2s

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.hashes import BLAKE2s
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from cladnet.core.wireguard.primitives import blake2s_hash, blake2s_mac, derive_keys
from cladnet.core.wireguard.xchacha import hchacha20, xchacha_open, xchacha_seal

KEY = bytes(range(0x80, 0xA0))
NONCE = bytes(range(0x40, 0x58))
PLAINTEXT = (
    b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future,"
    b" sunscreen would be it."
)
ASSOCIATED_DATA = bytes.fromhex("50515253c0c1c2c3c4c5c6c7")
SEALED = bytes.fromhex(
    "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb"
    "731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b452"
    "2f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9"
    "21f9664c97637da9768812f615c68b13b52ec0875924c1c7987947deafd8780acf49"
)


def test_hash_is_blake2s():
    digest = "508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982"  # RFC 7693, appendix B
    assert blake2s_hash(b"a", b"bc").hex() == digest


def test_mac_is_keyed_blake2s():
    assert blake2s_mac(KEY, b"abc") == blake2s(b"abc", key=KEY, digest_size=16).digest()
    assert blake2s_mac(KEY, b"abc") != blake2s_mac(NONCE, b"abc")


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=64), st.integers(1, 3))
def test_derived_keys_are_those_of_hkdf(chaining_key: bytes, secret: bytes, count: int):
    expected = HKDF(BLAKE2s(32), length=32 * count, salt=chaining_key, info=b"").derive(secret)
    assert b"".join(derive_keys(chaining_key, secret, count)) == expected


def test_hchacha20():
    """draft-irtf-cfrg-xchacha-03, section 2.2.1."""
    subkey = hchacha20(bytes(range(32)), bytes.fromhex("000000090000004a0000000031415927"))
    assert subkey.hex() == "82413b4227b27bfed30e42508a877d73a0f9e4d58a74a853c12ec41326d3ecdc"


def test_xchacha20_poly1305():
    """draft-irtf-cfrg-xchacha-03, appendix A.3.1."""
    assert xchacha_seal(KEY, NONCE, PLAINTEXT, ASSOCIATED_DATA) == SEALED
    assert xchacha_open(KEY, NONCE, SEALED, ASSOCIATED_DATA) == PLAINTEXT


@pytest.mark.parametrize("position", [0, len(SEALED) - 1])
def test_xchacha20_poly1305_refuses_changes(position: int):
    changed = bytearray(SEALED)
    changed[position] ^= 1
    with pytest.raises(InvalidTag):
        xchacha_open(KEY, NONCE, bytes(changed), ASSOCIATED_DATA)
