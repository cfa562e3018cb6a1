# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection
"""One virtual machine, read from the JSON of any era of CB-Tumblebug.

What was renamed between the eras is found by the tables below: the first key that holds something
wins. Unknown keys are ignored; a known key of a wrong type is an error that names machine and key.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any

from .._errors import Unavailable

DEFAULT_USER = "cb-user"
"""The user that Tumblebug makes on every machine by default."""

DEFAULT_SSH_PORT = 22

RUNNING = "Running"
"""The status of a machine that can be worked with."""

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_+-]*")
_NO_ADDRESS = ("", "empty")  # the word of releases before v0.12 for a machine that is being made
_HOST_KEY = re.compile(r"[a-z0-9][a-z0-9@.-]* [A-Za-z0-9+/]+=*")
_SPIDER = "cspViewVmDetail"  # the raw answer of CB-Spider, up to v0.9.9
_ZONE_NAME = ("regionZoneInfo", "assignedZone")

# Attribute of Vm -> where its text may stand, as paths of keys.
_TEXTS: dict[str, tuple[tuple[str, ...], ...]] = {
    "uid": (("uid",), ("uuid",)),
    "name": (("name",),),
    "description": (("description",),),
    "created": (("createdTime",),),
    "status": (("status",),),
    "subgroup": (("nodeGroupId",), ("subGroupId",), ("vmGroupId",)),
    "provider": (
        ("connectionConfig", "providerName"),
        ("connectionConfig", "ProviderName"),
        ("location", "cloudType"),
    ),
    "region": (
        ("region", "region"),
        ("region", "Region"),
        ("connectionConfig", "regionZoneInfo", "assignedRegion"),
        ("location", "nativeRegion"),
    ),
    "zone": (("region", "zone"), ("region", "Zone"), ("connectionConfig", *_ZONE_NAME)),
    "connection": (
        ("connectionName",),
        ("connectionConfig", "configName"),
        ("connectionConfig", "ConfigName"),
    ),
    "vnet": (("vNetId",),),
    "subnet": (("subnetId",),),
    "csp_id": (("cspResourceId",), (_SPIDER, "IId", "SystemId")),
    "csp_vnet": (("cspVNetId",), (_SPIDER, "VpcIID", "SystemId")),
    "csp_subnet": (("cspSubnetId",), (_SPIDER, "SubnetIID", "SystemId")),
    "spec": (("specId",),),
    "image": (("imageId",),),
    "ssh_user": (("nodeUserName",), ("vmUserName",), ("vmUserAccount",), (_SPIDER, "VMUserId")),
    "ssh_key": (("sshKeyId",),),
}


@dataclass(frozen=True)
class Vm:
    """A machine. Every text may be empty; nothing here is secret."""

    namespace: str
    infra: str
    id: str
    status: str = ""
    public_ip: str = ""
    private_ip: str = ""
    ssh_port: int = DEFAULT_SSH_PORT
    ssh_user: str = ""
    ssh_key: str = ""
    provider: str = ""  # lower case: aws, azure, gcp
    region: str = ""
    zone: str = ""
    vnet: str = ""
    subnet: str = ""
    csp_vnet: str = ""  # the cloud's own ids
    csp_subnet: str = ""
    csp_id: str = ""
    subgroup: str = ""
    connection: str = ""
    spec: str = ""
    image: str = ""
    uid: str = ""
    name: str = ""
    description: str = ""
    created: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    ssh_host_key: str = ""  # type and key as in known_hosts, since v0.12.2
    key_file: str = ""  # name of the file with its private key, if Tumblebug has one

    @property
    def address(self) -> str:
        """Where it is reached from outside: the public address, else the private one, else nothing."""
        return self.public_ip or self.private_ip

    @property
    def path(self) -> tuple[str, str, str]:
        """Namespace, infra and id, which together are unique."""
        return self.namespace, self.infra, self.id


def vm_from(document: object, namespace: str, infra: str) -> Vm:
    """The machine that a VM (node) object of any era describes.

    Args:
        document: decoded JSON of one entry of an infra's ``vm`` or ``node`` array.
        namespace: id of its namespace.
        infra: id of its MCIS, MCI or Infra.

    Raises:
        Unavailable: the object is none of Tumblebug's; the message names the machine and the key.
    """
    fields = _Fields(document, f"a machine of {namespace}/{infra}")
    vm_id = checked_id(fields.text(("id",)), f"the id of {fields.owner}")
    fields = _Fields(document, f"machine {vm_id} of {namespace}/{infra}")
    texts = {name: fields.first(*paths) for name, paths in _TEXTS.items()}
    texts["provider"] = texts["provider"].lower()
    texts["zone"] = "" if texts["zone"] == "N/A" else texts["zone"]
    return Vm(
        namespace=namespace,
        infra=infra,
        id=vm_id,
        public_ip=fields.address("publicIP"),
        private_ip=fields.address("privateIP"),
        ssh_port=fields.port("sshPort"),
        labels=fields.labels("label"),
        ssh_host_key=fields.host_key("sshHostKeyInfo"),
        **texts,
    )


def checked_id(text: str, what: str) -> str:
    """An id of Tumblebug; raises Unavailable for a text that can be none, because names are made of ids."""
    if not _ID.fullmatch(text):
        raise Unavailable(f"{what} is {text!r}, which is no id of CB-Tumblebug.")
    return text


class _Fields:
    """Reads the values of one JSON object and blames by name what it cannot read."""

    def __init__(self, document: object, owner: str) -> None:
        self.owner = owner
        if not isinstance(document, dict):  # by far faster than Mapping, and JSON knows no other
            raise self._bad("itself", document, "an object")
        self._document: dict[str, Any] = document

    def first(self, *paths: tuple[str, ...]) -> str:
        """The first text that is not empty."""
        for path in paths:
            text = self.text(path)
            if text:
                return text
        return ""

    def text(self, path: tuple[str, ...]) -> str:
        """The text at a path of keys; empty if it, or an object on the way, is missing or null."""
        value: Any = self._document
        for key in path:
            if value is None:
                return ""
            if not isinstance(value, dict):
                raise self._bad(".".join(path), value, "an object")
            value = value.get(key)
        return value.strip() if isinstance(value, str) else self._scalar(".".join(path), value)

    def address(self, key: str) -> str:
        """An IP address, or nothing: what becomes an argument of ssh must not be anything else."""
        text = self.text((key,))
        try:
            return str(ip_address(text)) if text not in _NO_ADDRESS else ""
        except ValueError as exc:
            raise self._bad(key, text, "an IP address") from exc

    def port(self, key: str) -> int:
        """A port as number or text; empty and 0 mean the default."""
        text = self.text((key,))
        if not text.isdecimal() and text:
            raise self._bad(key, text, "a port")
        number = int(text[:6] or 0)
        if number > 65535:
            raise self._bad(key, text, "a port")
        return number or DEFAULT_SSH_PORT

    def host_key(self, key: str) -> str:
        """Type and key of the SSH server, or nothing: what becomes a line of known_hosts must be no less."""
        text = " ".join(self.text((key, part)) for part in ("keyType", "hostKey"))
        return text if _HOST_KEY.fullmatch(text) else ""

    def labels(self, key: str) -> dict[str, str]:
        """Labels: a map since v0.9.12; before, one free text that may hold ``key=value,key=value``."""
        value = self._document.get(key)
        if isinstance(value, Mapping):
            return {str(name): self._scalar(f"{key}.{name}", content) for name, content in value.items()}
        return _labels_of_text(self._scalar(key, value))

    def _scalar(self, key: str, value: object) -> str:
        if value is None:
            return ""
        if isinstance(value, str):
            return value.strip()
        if isinstance(value, (bool, int, float)):
            return str(value)
        raise self._bad(key, value, "text")

    def _bad(self, key: str, value: object, wanted: str) -> Unavailable:
        shown = repr(value)[:80]
        return Unavailable(
            f"CB-Tumblebug says of {self.owner} that {key} is {shown}, which is not {wanted}.",
            hint="Its answer is damaged or of a release that this collection does not know.",
        )


def _labels_of_text(text: str) -> dict[str, str]:
    pairs = [part.partition("=") for part in text.split(",")]
    if all(name.strip() and separator for name, separator, content in pairs):
        return {name.strip(): content.strip() for name, separator, content in pairs}
    return {"label": text} if text else {}
