# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Full gRPC method names: what goes on the wire as the HTTP/2 path, for channels and for generic handlers."""

from __future__ import annotations

AGENT_SERVICE = "cladnet.agent.v1.AgentControl"
REPORT = f"/{AGENT_SERVICE}/Report"
WATCH = f"/{AGENT_SERVICE}/Watch"
RENEW = f"/{AGENT_SERVICE}/Renew"
LEAVE = f"/{AGENT_SERVICE}/Leave"
FINISH_TEST = f"/{AGENT_SERVICE}/FinishTest"

ETCD_RANGE = "/etcdserverpb.KV/Range"
ETCD_TXN = "/etcdserverpb.KV/Txn"
ETCD_COMPACT = "/etcdserverpb.KV/Compact"
ETCD_WATCH = "/etcdserverpb.Watch/Watch"
ETCD_LEASE_GRANT = "/etcdserverpb.Lease/LeaseGrant"
ETCD_LEASE_REVOKE = "/etcdserverpb.Lease/LeaseRevoke"
ETCD_LEASE_KEEP_ALIVE = "/etcdserverpb.Lease/LeaseKeepAlive"
