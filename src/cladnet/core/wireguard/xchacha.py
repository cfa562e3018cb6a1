# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""XChaCha20-Poly1305 (24-byte nonces), which cookie replies need.

Source: draft-irtf-cfrg-xchacha-03.
"""

from __future__ import annotations

import struct

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.ciphers.algorithms import ChaCha20

XNONCE_SIZE_BYTES = 24
_CONSTANT_WORDS = struct.unpack("<4I", b"expand 32-byte k")
_WORD_MASK = 0xFFFFFFFF


def hchacha20(key: bytes, nonce: bytes) -> bytes:
    """Derives the 32-byte subkey of a 32-byte key and a 16-byte nonce.

    A ChaCha20 block is the permuted state plus the initial state, and HChaCha20 is eight words of the
    permuted state alone, all at places whose initial words are public: subtracting them from a library's
    block gives the subkey without a cipher of our own.
    """
    block = Cipher(ChaCha20(key, nonce), mode=None).encryptor().update(bytes(64))
    words = struct.unpack("<16I", block)
    initial = _CONSTANT_WORDS + struct.unpack("<4I", nonce)
    permuted = (
        word - start & _WORD_MASK for word, start in zip(words[:4] + words[12:], initial, strict=True)
    )
    return struct.pack("<8I", *permuted)


def xchacha_seal(key: bytes, nonce: bytes, plaintext: bytes, associated_data: bytes) -> bytes:
    """Encrypts and authenticates.

    Args:
        key: 32 bytes.
        nonce: 24 bytes; random ones are long enough never to meet again.
    """
    cipher = ChaCha20Poly1305(hchacha20(key, nonce[:16]))
    return cipher.encrypt(bytes(4) + nonce[16:], plaintext, associated_data)


def xchacha_open(key: bytes, nonce: bytes, ciphertext: bytes, associated_data: bytes) -> bytes:
    """Reverses `xchacha_seal`.

    Raises:
        cryptography.exceptions.InvalidTag: anything of it was changed.
    """
    cipher = ChaCha20Poly1305(hchacha20(key, nonce[:16]))
    return cipher.decrypt(bytes(4) + nonce[16:], ciphertext, associated_data)
