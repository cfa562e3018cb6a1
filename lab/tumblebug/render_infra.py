# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Infras and their machines as the JSON of an era."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from hashlib import sha256
from itertools import groupby
from typing import Any

from lab.tumblebug.catalogue import image_id, spec_id
from lab.tumblebug.era import Era
from lab.tumblebug.estate import Image, Infra, Machine, Spec, uid
from lab.tumblebug.records import Record
from lab.tumblebug.render_shared import (
    Json,
    connection_config,
    labels,
    location,
    machine_labels,
    object_labels,
    region_and_zone,
)
from lab.tumblebug.status import IDLE, composite, counts

Owner = tuple[str, str]
"""namespace and infra"""

_STATUS_KEYS = (
    *("id", "name", "status", "targetStatus", "targetAction", "monAgentStatus"),
    *("systemMessage", "createdTime", "sshPort", "location"),
)


def renamed(document: Mapping[str, Any], keys: Mapping[str, str]) -> Json:
    """The canonical document with the keys of an era; keys that the era does not have are left out."""
    return {wire: document[canonical] for canonical, wire in keys.items() if canonical in document}


def machine(era: Era, owner: Owner, record: Record) -> Json:
    """A VM (node) object."""
    document = _identity(era, owner, record) | _state(era, record) | _placement(era, record.machine)
    return renamed(document | _hardware(era, record) | _history(record), era.node_keys)


def _identity(era: Era, owner: Owner, record: Record) -> Json:
    subject = record.machine
    identity = uid(*owner, subject.id)
    return {
        "resourceType": era.node,
        "id": subject.id,
        "uid": identity,
        "name": subject.id,
        "groupId": subject.group,
        "cspResourceName": identity,
        "cspResourceId": subject.resource,
        "idByCSP": "-".join((*owner, subject.id)),
        "label": labels(era, subject.labels, machine_labels(era, *owner, subject)),
        "description": subject.description,
        "createdTime": subject.created,
        "userName": subject.user,
        "addtionalDetails": [],
    }


def _state(era: Era, record: Record) -> Json:
    return {
        "status": record.status,
        "targetStatus": record.target_status,
        "targetAction": record.target_action,
        "monAgentStatus": "notInstalled",
        "networkAgentStatus": "notInstalled",
        "systemMessage": record.message,
        "publicIP": record.public_ip,
        "publicDNS": era.unknown_address if record.public_ip == era.unknown_address else "",
        "privateIP": record.private_ip,
        "privateDNS": "",
        "sshPort": port(era, record.ssh_port),
    }


def _placement(era: Era, subject: Machine) -> Json:
    network, region = subject.network, subject.network.region
    return {
        "location": location(era, region),
        "region": region_and_zone(era, region.region, network.zone),
        "connectionName": region.connection,
        "connectionConfig": connection_config(era, region, network.zone),
        "vNetId": network.vnet_id,
        "cspVNetId": network.csp_vnet_id,
        "subnetId": network.subnet_id,
        "cspSubnetId": network.csp_subnet_id,
        "networkInterface": f"eni-{subject.id}",
        "securityGroupIds": [network.vnet_id],
        "sshKeyId": subject.key_pair.id,
        "cspSshKeyId": uid(subject.key_pair.id),
    }


def _hardware(era: Era, record: Record) -> Json:
    subject = record.machine
    return {
        **_spec_fields(era, subject),
        **_image_fields(era, subject),
        "dataDiskIds": None,
        "rootDiskType": subject.root_disk_type,
        "rootDiskSize": subject.root_disk_gb if era.numeric else str(subject.root_disk_gb or "default"),
        "rootDeviceName": "/dev/sda1",
        "cspViewVmDetail": _spider_view(era, record),
    }


def _spec_fields(era: Era, subject: Machine) -> Json:
    spec = subject.spec or Spec(subject.network.region, "small", 2, 4, 0.05)
    size = {"vCPU": spec.cpus, "memoryGiB": spec.memory_gib, "costPerHour": spec.cost_per_hour}
    return {
        "specId": spec_id(era, spec),
        "cspSpecName": spec.name,
        "spec": {"cspSpecName": spec.name, **size},
    }


def _image_fields(era: Era, subject: Machine) -> Json:
    image = subject.image or Image(subject.network.region, "debian12", "debian12", "Debian 12", "debian")
    system = {"osType": image.distribution, "osArchitecture": image.architecture}
    return {
        "imageId": image_id(era, image),
        "cspImageName": image.name,
        "image": {"cspImageName": image.name, **system},
    }


def _history(record: Record) -> Json:
    """Commands and the host key of the first connection; absent, never null, before there are any."""
    key = {"sshHostKeyInfo": host_key_info(record.host_key)} if record.host_key else {}
    return key | ({"commandStatus": list(record.commands)} if record.commands else {})


def host_key_info(key: str) -> Json:
    """A public host key (type and base64) as an object."""
    kind, blob = key.split()
    digest = base64.b64encode(sha256(base64.b64decode(blob)).digest()).decode().rstrip("=")
    return {
        "hostKey": blob,
        "keyType": kind,
        "fingerprint": f"SHA256:{digest}",
        "firstUsedAt": "2026-09-08T08:12:00Z",
    }


def _spider_view(era: Era, record: Record) -> Json:
    """The raw answer of CB-Spider, the only place of the cloud's own ids up to v0.9.9."""
    network = record.machine.network
    return {
        "IId": {"NameId": record.machine.id, "SystemId": record.machine.resource},
        "VpcIID": {"NameId": network.vnet_id, "SystemId": network.csp_vnet_id},
        "SubnetIID": {"NameId": network.subnet_id, "SystemId": network.csp_subnet_id},
        "KeyPairIId": {"NameId": record.machine.key_pair.id, "SystemId": record.machine.key_pair.id},
        "Region": region_and_zone(era, network.region.region, network.zone),
        "VMUserId": record.machine.user,
        "PublicIP": record.public_ip,
        "PrivateIP": record.private_ip,
        "SSHAccessPoint": f"{record.public_ip}:{record.ssh_port}",
        "KeyValueList": [],
    }


def infra(era: Era, namespace: str, subject: Infra, nodes: list[Json], statuses: Sequence[str]) -> Json:
    """An infra object around rendered machines."""
    return {
        **_head(era, namespace, subject),
        **_infra_status(era, subject, statuses),
        "configureCloudAdaptiveNetwork": "" if era.has_uid else "no",
        "systemMessage": _messages(era, subject),
        "placementAlgo": "",
        "description": subject.description,
        era.node: nodes,
        f"new{era.node.capitalize()}List": None,
    }


def _head(era: Era, namespace: str, subject: Infra) -> Json:
    path = (namespace, subject.id)
    typed = {"resourceType": era.infra, "uid": uid(*path)} if era.has_uid else {}
    return typed | {
        "id": subject.id,
        "name": subject.id,
        "installMonAgent": "" if era.has_uid else "no",
        "label": labels(era, subject.labels, object_labels(era.infra, path)),
        "systemLabel": "",
    }


def _messages(era: Era, subject: Infra) -> list[str] | str | None:
    """One text up to v0.11.8, a list or null later."""
    return (list(subject.messages) or None) if era.numeric else "".join(subject.messages)


def _infra_status(era: Era, subject: Infra, statuses: Sequence[str]) -> Json:
    return {
        "status": subject.phase or composite(statuses, failed_first=era.failed_first),
        "statusCount": counts(statuses, era.extra_statuses),
        "targetStatus": IDLE,
        "targetAction": IDLE,
    }


def with_target(document: Json, records: Sequence[Record]) -> Json:
    """The infra (or status) object while an action goes on at one of its machines."""
    busy = next((record for record in records if record.target_action != IDLE), None)
    if busy is None:
        return document
    return document | {"targetStatus": busy.target_status, "targetAction": busy.target_action}


def listed_machine(era: Era, owner: Owner, subject: Infra, record: Record) -> Json:
    """A machine in the list of v0.9.2 to v0.11.6: only its id is right, the rest is of the infra's record."""
    empty = dict.fromkeys(era.node_keys.values(), "")
    of_infra = _head(era, owner[0], subject)
    inherited = {key: value for key, value in of_infra.items() if key in empty}
    return empty | _empty_objects(era) | inherited | {"id": record.machine.id}


def simple_machine(era: Era, record: Record) -> Json:
    """A machine in the list with option=simple: id and location (an empty one in v0.9.2 to v0.11.6)."""
    place = {"display": "", "latitude": 0, "longitude": 0}
    if not era.lists_infra_records:
        place = location(era, record.machine.network.region)
    return {"id": record.machine.id, "location": place}


def _empty_objects(era: Era) -> Json:
    return {
        "location": {"display": "", "latitude": 0, "longitude": 0},
        "region": region_and_zone(era, "", ""),
        "connectionConfig": {},
        "securityGroupIds": None,
        "dataDiskIds": None,
        "addtionalDetails": None,
    }


def status(era: Era, namespace: str, subject: Infra, records: Sequence[Record]) -> Json:
    """The status object of an infra (inside the wrapper); the master is the first running machine."""
    statuses = [record.status for record in records]
    document = _head(era, namespace, subject) | _infra_status(era, subject, statuses)
    for key in ("resourceType", "uid"):
        document.pop(key, None)
    nodes = [machine_status(era, (namespace, subject.id), record) for record in records]
    return with_target(document, records) | _master(era, records) | {era.node: nodes}


def _master(era: Era, records: Sequence[Record]) -> Json:
    master = next((record for record in records if record.status == "Running"), None)
    return {
        f"master{era.node.capitalize()}Id": master.machine.id if master else "",
        "masterIp": master.public_ip if master else "",
        "masterSSHPort": port(era, master.ssh_port if master else 0),
    }


def machine_status(era: Era, owner: Owner, record: Record) -> Json:
    """The status object of a machine: other spellings (publicIp) than in the machine object."""
    full = _identity(era, owner, record) | _state(era, record) | _placement(era, record.machine)
    identity = {"cspVmId": record.machine.resource}
    if era.has_uid:
        identity = {key: full[key] for key in ("uid", "cspResourceId", "cspResourceName")}
    return {
        **{key: full[key] for key in _STATUS_KEYS},
        **identity,
        "nativeStatus": record.status,
        "publicIp": record.public_ip,
        "privateIp": record.private_ip,
    }


def machine_access(era: Era, record: Record, live: tuple[str, str, int], *, show_key: bool) -> Json:
    """How to log in to one machine, with addresses straight from the cloud."""
    public_ip, private_ip, ssh_port = live
    key = {"privateKey": record.machine.key_pair.private_key} if show_key else {}
    return key | {
        f"{era.node}Id": record.machine.id,
        "publicIP": public_ip,
        "privateIP": private_ip,
        "sshPort": port(era, ssh_port),
        # Up to v0.13.0 only verifiedUsername was put here, which nothing sets.
        era.user_key: record.machine.user if era.numeric else "",
    }


def access(era: Era, infra_id: str, machines: Sequence[tuple[Record, Json]]) -> Json:
    """The accessinfo of an infra; the keys of its wrapper are capitalised."""
    prefix = era.access_prefix
    nodes_key = "NodeAccessInfo" if era.node == "node" else f"{prefix}VmAccessInfo"
    ordered = sorted(machines, key=lambda pair: pair[0].machine.group)
    groups = [
        {
            f"{era.group_word}Id": name,
            "NlbListener": None,
            f"Bastion{era.node.capitalize()}Id": "",
            nodes_key: [document for _record, document in members],
        }
        for name, members in groupby(ordered, key=lambda pair: pair[0].machine.group)
    ]
    head = {f"{prefix}Id": infra_id, f"{prefix}NlbListener": None}
    return head | {f"{prefix}{era.group_word}AccessInfo": groups}


def port(era: Era, number: int) -> int | str:
    """An SSH port: text up to v0.12.2, a number later."""
    return number if era.numeric else str(number or "")
