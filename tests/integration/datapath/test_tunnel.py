# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Our tunnel against itself, and what happens to it when somebody touches its device or its rights."""

from __future__ import annotations

from namespaces import Namespace, eventually
from tunnel_pair import Start, introduce, transfer
from tunnel_process import TunnelProcess

Hosts = tuple[Namespace, Namespace]


def join(hosts: Hosts, start_tunnel: Start) -> tuple[TunnelProcess, TunnelProcess]:
    """Two tunnels that both know where the other is."""
    us, them = start_tunnel(hosts[0]), start_tunnel(hosts[1])
    introduce(
        us, them, we_know=f"{hosts[1].outer_ipv4}:{them.port}", they_know=f"{hosts[0].outer_ipv4}:{us.port}"
    )
    return us, them


def test_ours_to_ours(hosts: Hosts, start_tunnel: Start):
    us, them = join(hosts, start_tunnel)
    us.call("connect", public_key=them.identity.public)
    them.call("connect", public_key=us.identity.public)
    assert hosts[0].ping("10.77.0.2")
    assert hosts[1].ping("fd77::1")
    transfer(hosts[1], hosts[0], "10.77.0.2", 7101)
    transfer(hosts[0], hosts[1], "fd77::1", 7102)
    peer = us.call("status")["peers"][them.identity.public]
    assert peer["last_handshake_age_s"] < 60
    assert min(peer["rx_bytes"], peer["tx_bytes"]) > 8 << 20


def test_removed_peer_is_cut_off_at_once(hosts: Hosts, start_tunnel: Start):
    us, them = join(hosts, start_tunnel)
    assert hosts[0].ping("10.77.0.2")
    them.call("remove_peer", public_key=us.identity.public)
    assert not hosts[0].pings("10.77.0.2")
    assert them.call("status")["drops"]["unknown_session"] >= 1


def test_changed_endpoint_is_followed(hosts: Hosts, start_tunnel: Start):
    us, them = join(hosts, start_tunnel)
    assert hosts[0].ping("10.77.0.2")
    them_again = start_tunnel(hosts[1], device="clad1")
    hosts[1].run("ip", "link", "set", them.device, "down")
    hosts[1].set_up("clad1", "10.77.0.3/24")
    them_again.add_peer(us.identity.public, ["10.77.0.1/32"])
    us.add_peer(them_again.identity.public, ["10.77.0.3/32"], endpoint=f"{hosts[1].outer_ipv4}:{them.port}")
    assert not hosts[0].pings("10.77.0.3")
    us.add_peer(
        them_again.identity.public, ["10.77.0.3/32"], endpoint=f"{hosts[1].outer_ipv4}:{them_again.port}"
    )
    eventually("the peer answers at its new endpoint", lambda: hosts[0].pings("10.77.0.3"))


def test_foreign_datagrams_share_the_socket(hosts: Hosts, start_tunnel: Start):
    us, them = join(hosts, start_tunnel)
    us.call("send_foreign", text="stun, say", to=f"{hosts[1].outer_ipv4}:{them.port}")
    us.call("send_foreign", text="and over IPv6", to=f"[{hosts[1].outer_ipv6}]:{them.port}")
    eventually("both have arrived", lambda: len(them.call("status")["foreign"]) == 2)
    assert them.call("status")["foreign"] == [
        ["stun, say", f"{hosts[0].outer_ipv4}:{us.port}"],
        ["and over IPv6", f"[{hosts[0].outer_ipv6}]:{us.port}"],
    ]


def test_survives_that_its_device_is_down(hosts: Hosts, start_tunnel: Start):
    _unused, them = join(hosts, start_tunnel)
    assert hosts[0].ping("10.77.0.2")
    hosts[1].run("ip", "link", "set", them.device, "down")
    assert not hosts[0].pings("10.77.0.2")
    assert them.call("status")["drops"]["tun_write_failed"] >= 1
    hosts[1].run("ip", "link", "set", them.device, "up")
    assert hosts[0].ping("10.77.0.2")


def test_makes_a_deleted_device_again(hosts: Hosts, start_tunnel: Start):
    _unused, them = join(hosts, start_tunnel)
    assert hosts[0].ping("10.77.0.2")
    hosts[1].run("ip", "link", "delete", them.device)
    eventually("the device is there again", lambda: them.call("status")["recreated"] == 1)
    hosts[1].set_up(them.device, "10.77.0.2/24")
    assert hosts[0].ping("10.77.0.2")


def test_survives_that_the_network_is_gone(hosts: Hosts, start_tunnel: Start):
    us, _unused = join(hosts, start_tunnel)
    assert hosts[0].ping("10.77.0.2")
    hosts[0].run("ip", "link", "set", "cable", "down")
    assert not hosts[0].pings("10.77.0.2")
    assert us.call("status")["drops"]["send_failed"] >= 1
    hosts[0].run("ip", "link", "set", "cable", "up")
    assert hosts[0].ping("10.77.0.2")


def test_name_taken_by_a_tunnel(hosts: Hosts, start_tunnel: Start):
    start_tunnel(hosts[0])
    refused = start_tunnel(hosts[0]).started
    assert refused["error"] == "conflict"
    assert "clad0 exists already" in refused["message"]


def test_name_taken_by_another_interface(hosts: Hosts, start_tunnel: Start):
    refused = start_tunnel(hosts[0], device="cable").started
    assert refused["error"] == "conflict"
    assert "cable exists already" in refused["message"]


def test_port_taken(hosts: Hosts, start_tunnel: Start):
    port = start_tunnel(hosts[0]).port
    refused = start_tunnel(hosts[0], device="clad1", listen_port=port).started
    assert refused["error"] == "conflict"
    assert f"UDP port {port} is in use" in refused["message"]


def test_without_the_right(hosts: Hosts, start_tunnel: Start):
    drop = ("setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin")
    refused = start_tunnel(hosts[0], prefix=drop).started
    assert refused["error"] == "unauthorized"
    assert "needs CAP_NET_ADMIN" in refused["message"]


def test_without_a_tun_driver(hosts: Hosts, start_tunnel: Start):
    hide = ("unshare", "--mount", "sh", "-c", 'mount -t tmpfs none /dev/net && exec "$@"', "sh")
    refused = start_tunnel(hosts[0], prefix=hide).started
    assert refused["error"] == "unavailable"
    assert "has no /dev/net/tun" in refused["message"]


def test_without_ipv6_in_the_kernel_settings(hosts: Hosts, start_tunnel: Start):
    for host in hosts:
        host.run("sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1")
    us, them = start_tunnel(hosts[0]), start_tunnel(hosts[1])
    us.add_peer(them.identity.public, ["10.77.0.2/32"], endpoint=f"{hosts[1].outer_ipv4}:{them.port}")
    them.add_peer(us.identity.public, ["10.77.0.1/32"])
    hosts[0].set_up(us.device, "10.77.0.1/24")
    hosts[1].set_up(them.device, "10.77.0.2/24")
    assert hosts[0].ping("10.77.0.2")


def test_closing_leaves_nothing(hosts: Hosts, start_tunnel: Start):
    us = start_tunnel(hosts[0])
    us.close()
    assert hosts[0].run("ip", "link", "show", us.device, check=False).returncode != 0
    assert start_tunnel(hosts[0], listen_port=us.port).port == us.port
