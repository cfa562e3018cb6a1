# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What a lab consists of: clouds, hosts and their addresses, read from a YAML file and checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from pathlib import Path

import yaml

from lab.consistency import check
from lab.errors import TopologyError, UnknownHostError
from lab.fields import Fields

FOLDER = Path(__file__).parent / "topologies"


class CloudMode(Enum):
    """How guests see their subnet."""

    SUBNET = "subnet"  # one link with the subnet's prefix length, as in most clouds
    GCP = "gcp"  # /32 guests that reach even their neighbours only through the gateway


@dataclass(frozen=True, slots=True)
class Internet:
    """The network between the clouds; ``operator`` is where Ansible and the person at the keyboard stand."""

    cidr: IPv4Network
    operator: IPv4Address


@dataclass(frozen=True, slots=True)
class Cloud:
    """One region of one provider with one vNet and subnet, behind a 1:1 NAT router.

    The names from ``provider`` to ``ssh_key_id`` are what CB-Tumblebug tells about it.
    """

    name: str
    provider: str
    region: str
    zone: str
    connection: str  # connectionName
    vnet_id: str
    subnet_id: str
    csp_vnet_id: str
    csp_subnet_id: str
    ssh_key_id: str
    mode: CloudMode
    lan: IPv4Network  # the subnet
    gateway: IPv4Address
    wan: IPv4Address  # of the router, in the internet
    public_pool: IPv4Network  # public addresses are taken from here and given back
    mtu: int


@dataclass(frozen=True, slots=True)
class Bridge:
    """A bridge without ports inside a host, as a container runtime makes it."""

    name: str
    address: IPv4Interface


@dataclass(frozen=True, slots=True)
class Route:
    """A network that a host reaches by a gateway of its own subnet."""

    destination: IPv4Network
    via: IPv4Address


@dataclass(frozen=True, slots=True)
class Host:
    """One VM as the topology file gives it; addresses may change while the lab is up."""

    name: str
    cloud: str
    group: str  # subGroup or nodeGroup of CB-Tumblebug
    private_ip: IPv4Interface  # as on the interface: /32 in GCP
    public_ip: IPv4Address
    labels: Mapping[str, str]
    bridges: tuple[Bridge, ...]
    routes: tuple[Route, ...]


@dataclass(frozen=True, slots=True)
class Topology:
    """A whole lab."""

    name: str
    internet: Internet
    clouds: Mapping[str, Cloud]
    hosts: Mapping[str, Host]

    def host(self, name: str) -> Host:
        """The host of that name; raises UnknownHostError with the names that exist."""
        if name not in self.hosts:
            raise UnknownHostError(
                f"no host {name!r} in lab {self.name}; its hosts are {', '.join(self.hosts)}"
            )
        return self.hosts[name]

    def cloud_of(self, host: str) -> Cloud:
        return self.clouds[self.host(host).cloud]

    def hosts_of(self, cloud: str) -> tuple[str, ...]:
        """Names of the hosts of a cloud."""
        return tuple(name for name, host in self.hosts.items() if host.cloud == cloud)


def path_of(name_or_path: str | Path) -> Path:
    """The file of a topology that is named as ``demo`` or by a path ending in .yml."""
    return Path(name_or_path) if str(name_or_path).endswith(".yml") else FOLDER / f"{name_or_path}.yml"


def load(name_or_path: str | Path, *, name: str | None = None) -> Topology:
    """Reads and checks a topology.

    Args:
        name_or_path: ``demo``, a file of the lab's topologies folder, or a path ending in .yml.
        name: replaces the lab's name, so that one topology can run several times side by side.

    Raises:
        TopologyError: naming the file and the field that is wrong.
    """
    path = path_of(name_or_path)
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        return parse(document, name=name)
    except FileNotFoundError as exc:
        known = ", ".join(sorted(file.stem for file in FOLDER.glob("*.yml")))
        raise TopologyError(f"no topology {name_or_path}; there are {known}, or give a .yml file") from exc
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as exc:
        raise TopologyError(f"{path} cannot be read as YAML: {exc}") from exc
    except TopologyError as exc:
        raise TopologyError(f"{path}: {exc}") from exc


def parse(document: object, *, name: str | None = None) -> Topology:
    """Makes a checked topology of a YAML document; raises TopologyError."""
    top = Fields.of("", document)
    own_name = top.text("name")
    topology = Topology(
        name=name or own_name,
        internet=_internet(top.section("internet")),
        clouds={key: _cloud(key, fields) for key, fields in top.sections("clouds")},
        hosts={key: _host(key, fields) for key, fields in top.sections("hosts")},
    )
    top.finish()
    check(topology)
    return topology


def _internet(fields: Fields) -> Internet:
    internet = Internet(cidr=fields.network("cidr"), operator=fields.address("operator"))
    fields.finish()
    return internet


def _cloud(name: str, fields: Fields) -> Cloud:
    provider, region, lan = fields.text("provider"), fields.text("region"), fields.network("lan")
    connection = fields.text("connection", f"{provider}-{region}")
    shared = f"default-shared-{connection}"  # how CB-Tumblebug names what it makes by itself
    cloud = Cloud(
        name=name,
        provider=provider,
        region=region,
        zone=fields.text("zone"),
        connection=connection,
        vnet_id=fields.text("vnet_id", shared),
        subnet_id=fields.text("subnet_id", shared),
        csp_vnet_id=fields.text("csp_vnet_id"),
        csp_subnet_id=fields.text("csp_subnet_id"),
        ssh_key_id=fields.text("ssh_key_id", shared),
        mode=fields.choice("mode", CloudMode, CloudMode.SUBNET),
        lan=lan,
        gateway=fields.address("gateway", lan[1]),
        wan=fields.address("wan"),
        public_pool=fields.network("public_pool"),
        mtu=fields.whole("mtu", 1500),
    )
    fields.finish()
    return cloud


def _host(name: str, fields: Fields) -> Host:
    host = Host(
        name=name,
        cloud=fields.text("cloud"),
        group=fields.text("group", name.rsplit("-", 1)[0]),
        private_ip=fields.interface("private_ip"),
        public_ip=fields.address("public_ip"),
        labels=fields.texts("labels"),
        bridges=tuple(Bridge(*pair) for pair in fields.interfaces("bridges").items()),
        routes=tuple(Route(*pair) for pair in fields.gateways("routes").items()),
    )
    fields.finish()
    return host
