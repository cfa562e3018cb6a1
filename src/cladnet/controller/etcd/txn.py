# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Conditions and operations of an etcd transaction, one short function each."""

from __future__ import annotations

from cladnet.wire import etcd_pb2 as pb


def prefix_end(prefix: bytes) -> bytes:
    """The end of the range of all keys that begin with the prefix (which must not be all 0xff bytes)."""
    head = prefix.rstrip(b"\xff")
    return head[:-1] + bytes([head[-1] + 1])


def absent(key: bytes) -> pb.Compare:
    """Holds if the key does not exist."""
    return pb.Compare(key=key, target=pb.Compare.CREATE, result=pb.Compare.EQUAL, create_revision=0)


def exists(key: bytes) -> pb.Compare:
    """Holds if the key exists."""
    return pb.Compare(key=key, target=pb.Compare.CREATE, result=pb.Compare.GREATER, create_revision=0)


def none_under(prefix: bytes) -> pb.Compare:
    """Holds if no key begins with the prefix."""
    return pb.Compare(
        key=prefix,
        range_end=prefix_end(prefix),
        target=pb.Compare.CREATE,
        result=pb.Compare.EQUAL,
        create_revision=0,
    )


def unchanged(key: bytes, mod_revision: int) -> pb.Compare:
    """Holds if the key was last written at this revision; 0 means that it does not exist."""
    return pb.Compare(key=key, target=pb.Compare.MOD, result=pb.Compare.EQUAL, mod_revision=mod_revision)


def none_written_since(prefix: bytes, revision: int) -> pb.Compare:
    """Holds if no key that begins with the prefix was made or written after this revision."""
    return pb.Compare(
        key=prefix,
        range_end=prefix_end(prefix),
        target=pb.Compare.MOD,
        result=pb.Compare.LESS,
        mod_revision=revision + 1,
    )


def created_at(key: bytes, create_revision: int) -> pb.Compare:
    """Holds if the key came into being at this revision and was never deleted since."""
    return pb.Compare(
        key=key, target=pb.Compare.CREATE, result=pb.Compare.EQUAL, create_revision=create_revision
    )


def holds(key: bytes, value: bytes) -> pb.Compare:
    """Holds if the key has this value."""
    return pb.Compare(key=key, target=pb.Compare.VALUE, result=pb.Compare.EQUAL, value=value)


def put(key: bytes, value: bytes, *, lease: int = 0) -> pb.RequestOp:
    """Writes the key; with a lease, etcd deletes it when the lease ends."""
    return pb.RequestOp(request_put=pb.PutRequest(key=key, value=value, lease=lease))


def put_on_same_lease(key: bytes, value: bytes) -> pb.RequestOp:
    """Writes a key that exists and leaves it on the lease it has."""
    return pb.RequestOp(request_put=pb.PutRequest(key=key, value=value, ignore_lease=True))


def get(key: bytes) -> pb.RequestOp:
    """Reads the key."""
    return pb.RequestOp(request_range=pb.RangeRequest(key=key))


def delete(key: bytes) -> pb.RequestOp:
    """Deletes the key, if it exists."""
    return pb.RequestOp(request_delete_range=pb.DeleteRangeRequest(key=key))


def delete_under(prefix: bytes) -> pb.RequestOp:
    """Deletes every key that begins with the prefix."""
    return pb.RequestOp(request_delete_range=pb.DeleteRangeRequest(key=prefix, range_end=prefix_end(prefix)))
