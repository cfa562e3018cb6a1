# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The numbers of the WireGuard protocol.

Source: WireGuard whitepaper (Donenfeld, 2020), section 6.1; those marked "ours" are limits that an
implementation chooses.
"""

from __future__ import annotations

REKEY_AFTER_MESSAGES = 2**60
REJECT_AFTER_MESSAGES = 2**64 - 2**13 - 1
REKEY_AFTER_TIME_S = 120.0
REJECT_AFTER_TIME_S = 180.0
REKEY_ATTEMPT_TIME_S = 90.0
REKEY_TIMEOUT_S = 5.0
REKEY_TIMEOUT_JITTER_S = 0.333
KEEPALIVE_TIMEOUT_S = 10.0

# The session would end before a handshake that starts later than this could replace it.
REKEY_ON_RECEIVE_AFTER_TIME_S = REJECT_AFTER_TIME_S - KEEPALIVE_TIMEOUT_S - REKEY_TIMEOUT_S
NO_ANSWER_TIMEOUT_S = KEEPALIVE_TIMEOUT_S + REKEY_TIMEOUT_S
ERASE_KEYS_AFTER_S = 3 * REJECT_AFTER_TIME_S

COOKIE_SECRET_LIFETIME_S = 120.0
COOKIE_LIFETIME_S = 120.0

# Ours: how often the traffic of a peer is looked at while there is some.
WATCH_INTERVAL_S = 1.0

REPLAY_WINDOW_SIZE = 8192
PADDING_MULTIPLE_BYTES = 16

# Ours: a peer that initiates more often than this does not get more answers (in the Linux kernel 20 ms, in
# wireguard-go 50 ms).
MIN_INITIATION_INTERVAL_S = 0.05
# Ours: who got a cookie shows it soon, instead of waiting for the next regular try; but later than a session
# that the same peer may have begun meanwhile.
COOKIE_ANSWER_DELAY_S = 0.25
# Ours: soonest repetition of our own initiation when the endpoint changed meanwhile.
URGENT_INITIATION_INTERVAL_S = 2 * MIN_INITIATION_INTERVAL_S
# Ours: packets that wait for a session, for one peer and for all together.
STAGED_PACKETS_PER_PEER = 64
STAGED_PACKETS_TOTAL = 4096
# Ours: removed peers whose last time stamp is kept, so that they are understood when they are added again.
REMEMBERED_STAMPS = 4096
