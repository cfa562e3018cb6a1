# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Why a datagram or a packet went no further. The values are the names of the counters in a status."""

from __future__ import annotations

from enum import Enum


class Drop(Enum):
    """One reason for silence."""

    MALFORMED_DATAGRAM = "malformed_datagram"
    """From the network: begins like WireGuard and is none."""
    WRONG_MAC = "wrong_mac"
    """A handshake message of somebody who does not know our public key."""
    COOKIE_ASKED = "cookie_asked"
    """A handshake message under load, answered with a cookie."""
    SOURCE_TOO_FAST = "source_too_fast"
    """A handshake message under load, of a source that sent too many."""
    UNKNOWN_PEER = "unknown_peer"
    """An initiation of a key that is not in the table."""
    UNKNOWN_SESSION = "unknown_session"
    """A number that we have not given, or no longer: common after a restart."""
    SESSION_EXPIRED = "session_expired"
    NOT_AUTHENTIC = "not_authentic"
    """Forged, changed on the way, or made with other keys (a wrong preshared key, too)."""
    REPLAYED = "replayed"
    """A packet that came before, or so late that this cannot be known."""
    REPLAYED_INITIATION = "replayed_initiation"
    """An initiation not newer than the last: a replay, or the peer restarted after its clock was set back."""
    INITIATION_TOO_SOON = "initiation_too_soon"
    WRONG_SUITE = "wrong_suite"
    """A handshake with a cryptographic suite that is not, or no longer, to be used with that peer."""
    MALFORMED_PACKET = "malformed_packet"
    """An inner packet, from either side, that is neither IPv4 nor IPv6."""
    WRONG_INNER_SOURCE = "wrong_inner_source"
    """A decrypted packet with a source address that does not belong to its sender."""
    ECN_BROKEN = "ecn_broken"
    """A decrypted packet that met congestion on the way, though its sender does not know of such marks."""
    NO_ROUTE = "no_route"
    """From this host, to an address that belongs to no peer."""
    NO_ENDPOINT = "no_endpoint"
    """From this host, to a peer that nobody knows where to find."""
    TOO_MANY_STAGED = "too_many_staged"
    """From this host, more packets than can wait for a session."""
    HANDSHAKE_FAILED = "handshake_failed"
    """From this host, waited for a session until the handshake was given up."""
    PACKET_TOO_BIG = "packet_too_big"
    """From this host, longer than the path to its peer carries, and not to be fragmented."""
    SEND_FAILED = "send_failed"
    """The operating system did not take a datagram."""
    TUN_WRITE_FAILED = "tun_write_failed"
    """The operating system did not take a decrypted packet (the device is down)."""
