# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""How one release of CB-Tumblebug names and shapes what all releases know.

One representative tag per era; every value below was read in that tag's API document or source.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

_SAME_IN_ALL = (
    *("id", "name", "description", "label", "createdTime", "systemMessage", "location", "region"),
    *("status", "targetStatus", "targetAction", "monAgentStatus", "networkAgentStatus"),
    *("publicIP", "publicDNS", "privateIP", "privateDNS", "sshPort", "sshKeyId"),
    *("connectionName", "connectionConfig", "specId", "imageId", "vNetId", "subnetId", "securityGroupIds"),
    *("rootDiskType", "rootDiskSize", "dataDiskIds"),
)
_SINCE_UID = (
    *("resourceType", "uid", "cspResourceName", "cspResourceId", "cspVNetId", "cspSubnetId", "cspSshKeyId"),
    *("cspSpecName", "cspImageName", "networkInterface", "addtionalDetails"),
)


def _keys(*names: str, **renamed: str) -> Mapping[str, str]:
    """Canonical key -> key on the wire; what is not listed does not exist in the era."""
    return MappingProxyType({name: name for name in (*_SAME_IN_ALL, *names)} | renamed)


@dataclass(frozen=True, slots=True)
class Era:
    """One era.

    Words: ``infra`` and ``node`` stand in paths and keys, ``Infra`` and ``Node`` titles in messages.
    """

    name: str
    tag: str
    infra: str
    infra_title: str
    node: str
    node_title: str
    group_key: str  # subGroupId, nodeGroupId: also in accessinfo
    group_path: str  # last element of the groups' path
    user_key: str  # also in accessinfo
    node_keys: Mapping[str, str]  # canonical -> wire
    doc_path: str
    open_paths: Mapping[str, object]  # paths without authentication -> their answers
    requests_per_s: int  # of the limiter in front of all routes
    missing_status_code: int  # HTTP status of a missing infra with option=status
    missing_vnet_code: int
    extra_statuses: tuple[str, ...] = ()  # counted beside the common ones
    has_uid: bool = True  # uid, resourceType, labels as a map, provider in lower case
    numeric: bool = False  # sshPort, rootDiskSize are numbers; region keys are lower case
    lists_infra_records: bool = False  # list shows the infra's record in place of each machine's
    failed_first: bool = False  # one Failed machine makes the infra Partial-Failed
    simple_is_full: bool = False  # option=simple of the list is ignored
    has_vnet_zone: bool = True  # subnets in the form of v0.9.9 and newer
    has_node_list: bool = False  # GET /ns/{ns}/resources/node
    has_assigned_bastions: bool = False
    refuses_when_busy: bool = False  # "is under <Action>, please try later"
    node_missing_text: str = "The {node} {id} does not exist."
    status_cache_s: Mapping[str, float] = field(default_factory=dict)
    unknown_address: str = ""  # publicIP and publicDNS of a machine that has none yet
    failed_stay_targeted: bool = True  # a Failed machine keeps its infra under targetAction Create
    system_namespace: str = "system"  # where specs and images are
    dynamic_groups: str = "vm"  # key of the groups in a dynamic request
    spec_key: str = "commonSpec"
    image_key: str = "commonImage"
    size_key: str = "subGroupSize"
    add_key: str = "numVMsToAdd"
    add_group_path: str = "vmDynamic"
    recommend_path: str = "/mciRecommendVm"
    shared_path: str = "sharedResources"
    client_error_code: int = 400  # of an error without a result
    delete_wait_s: float = 5.0  # how long a deletion waits for machines that it terminates
    terminates_by_default: bool = False  # a deletion without option terminates first
    failure_policies: tuple[str, ...] = ()  # policyOnPartialFailure
    holds: bool = True  # option=hold, and the actions continue and withdraw

    @property
    def dynamic(self) -> str:
        """First word of the paths of dynamic requests: mcisDynamic."""
        return f"{self.infra}Dynamic"

    @property
    def access_prefix(self) -> str:
        """First word of the capitalised accessinfo keys: Mcis, Mci or Infra."""
        return self.infra.capitalize()

    @property
    def group_word(self) -> str:
        """SubGroup or NodeGroup, as in accessinfo keys."""
        return self.group_key[0].upper() + self.group_key[1:].removesuffix("Id")


MCIS = Era(
    name="mcis",
    tag="v0.8.0",
    infra="mcis",
    infra_title="MCIS",
    node="vm",
    node_title="VM",
    group_key="subGroupId",
    group_path="subgroup",
    user_key="vmUserAccount",
    node_keys=_keys(
        groupId="subGroupId",
        userName="vmUserAccount",
        idByCSP="idByCSP",
        rootDeviceName="rootDeviceName",
        cspViewVmDetail="cspViewVmDetail",
    ),
    doc_path="/swagger/doc.json",
    open_paths={
        "/health": {"message": "API server of CB-Tumblebug is alive"},
        "/httpVersion": {"message": "HTTP/1.1"},
    },
    requests_per_s=20,
    missing_status_code=500,
    missing_vnet_code=500,
    has_uid=False,
    failed_first=True,
    has_vnet_zone=False,
    unknown_address="empty",
    system_namespace="system-purpose-common-ns",
    recommend_path="/mcisRecommendVm",
    shared_path="defaultResources",
    client_error_code=500,
    holds=False,
)

MCI = Era(
    name="mci",
    tag="v0.9.22",
    infra="mci",
    infra_title="MCI",
    node="vm",
    node_title="VM",
    group_key="subGroupId",
    group_path="subgroup",
    user_key="vmUserName",
    node_keys=_keys(
        *_SINCE_UID, groupId="subGroupId", userName="vmUserName", rootDeviceName="rootDeviceName"
    ),
    doc_path="/api/doc.json",
    open_paths={
        "/readyz": {"message": "CB-Tumblebug is ready"},
        "/httpVersion": {"message": "HTTP/1.1"},
    },
    requests_per_s=20,
    missing_status_code=400,
    missing_vnet_code=500,
    failed_first=True,
    lists_infra_records=True,
    unknown_address="empty",
)

INFRA = Era(
    name="infra",
    tag="v0.13.0",
    infra="infra",
    infra_title="Infra",
    node="node",
    node_title="Node",
    group_key="nodeGroupId",
    group_path="nodegroup",
    user_key="nodeUserName",
    node_keys=_keys(
        *_SINCE_UID,
        "spec",
        "image",
        "sshHostKeyInfo",
        "commandStatus",
        groupId="nodeGroupId",
        userName="nodeUserName",
        rootDeviceName="RootDeviceName",
    ),
    doc_path="/api/doc.json",
    open_paths={
        "/readyz": {"ready": True, "initialized": True, "message": "CB-Tumblebug is ready"},
        "/livez": {"message": "CB-Tumblebug is alive"},
        "/httpVersion": {"message": "HTTP/1.1"},
    },
    requests_per_s=50,
    missing_status_code=400,
    missing_vnet_code=404,
    extra_statuses=("Registering", "Reconciling"),
    numeric=True,
    simple_is_full=True,
    has_node_list=True,
    has_assigned_bastions=True,
    refuses_when_busy=True,
    node_missing_text="no {Node} found (ID: {key})",
    status_cache_s={"Running": 300, "Suspended": 1800, "Terminated": 3600, "Failed": 3600},
    failed_stay_targeted=False,
    dynamic_groups="nodeGroups",
    spec_key="specId",
    image_key="imageId",
    size_key="nodeGroupSize",
    add_key="numNodesToAdd",
    add_group_path="nodeGroupDynamic",
    recommend_path="/recommendSpec",
    delete_wait_s=600.0,
    terminates_by_default=True,
    failure_policies=("continue", "rollback", "refine"),
)

ERAS: Mapping[str, Era] = {era.name: era for era in (MCIS, MCI, INFRA)}
