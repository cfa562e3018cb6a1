# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What can go wrong between a controller and etcd, and what each gRPC status of etcd means.

Unavailable
├── Ambiguous         a write may or may not have been applied: read again, then decide
├── StaleAuth         a role changed meanwhile; certainly not applied, the same call may be repeated at once
├── AccessDenied      etcd does not let this controller in: its certificate or role is wrong
├── StoreFull         etcd's quota is used up; certainly not applied
└── HistoryChanged    another cluster answers, or one restored from a backup
CladnetError
└── Compacted         the revision asked for is no longer kept: list again
NotFound
└── LeaseNotFound     the lease has run out or was revoked
"""

from __future__ import annotations

import grpc

from cladnet.core.errors import CladnetError, NotFound, Unavailable


class Ambiguous(Unavailable):
    """A write may or may not have been applied."""


class StaleAuth(Unavailable):
    """Users or roles of etcd changed between the check and the call; nothing was applied."""


class AccessDenied(Unavailable):
    """etcd does not allow this to the user in the controller's certificate."""


class StoreFull(Unavailable):
    """etcd refuses writes because its quota is used up."""


class HistoryChanged(Unavailable):
    """What was known of etcd's past does not hold: another cluster, or one restored from a backup."""


class Compacted(CladnetError):  # noqa: N818  # named as the other causes are
    """The wanted revision was compacted away."""


class LeaseNotFound(NotFound):
    """The lease has run out or was revoked."""


_TRANSIENT = frozenset(
    {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED}
)
_STALE_AUTH = ("auth store is old", "invalid auth token")
# etcd reports some states of a member under UNKNOWN, INTERNAL or RESOURCE_EXHAUSTED; another member may do.
_MEMBER_TROUBLE = (
    "no leader",
    "leader changed",
    "not capable",
    "server stopped",
    "timed out",
    "raft: stopped",
    "too many requests",
)


def error_from(code: grpc.StatusCode, details: str | None) -> CladnetError:
    """The error for a failed call to etcd; a plain Unavailable means: another member or attempt may do.

    Args:
        code: the status code.
        details: etcd's text beside it.
    """
    text = details or code.name
    if code is grpc.StatusCode.UNAUTHENTICATED or any(part in text for part in _STALE_AUTH):
        return StaleAuth(f"etcd changed its users or roles meanwhile ({text}).")
    if code is grpc.StatusCode.PERMISSION_DENIED:
        return AccessDenied(
            f"etcd does not let this controller in ({text}).",
            hint="Check etcd_cert_file in controller.toml and the etcd role of the user in that certificate.",
        )
    if "database space exceeded" in text:
        return StoreFull(
            f"etcd refuses writes ({text}).",
            hint="Compact and defragment it, then disarm the alarm: etcdctl defrag; etcdctl alarm disarm.",
        )
    return _by_text(code, text)


def _by_text(code: grpc.StatusCode, text: str) -> CladnetError:
    if "compacted" in text:
        return Compacted(f"etcd no longer keeps the wanted revision ({text}).")
    if "lease not found" in text:
        return LeaseNotFound("The lease has run out or was revoked.")
    if code in _TRANSIENT or any(part in text for part in _MEMBER_TROUBLE):
        return Unavailable(f"etcd does not answer ({text}).")
    return CladnetError(f"etcd answers {code.name}: {text}")
