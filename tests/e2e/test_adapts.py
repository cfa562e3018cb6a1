# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The network adapts by itself, with no Ansible run in between. The tests share one lab, in this order."""

from __future__ import annotations

import time

from tests.e2e.footprint import difference, footprint
from tests.e2e.mesh import Mesh


def test_no_secret_is_in_the_output_of_ansible(mesh: Mesh) -> None:
    token = mesh.shell(mesh.controller, "cat /var/lib/cladnet/controller/admin.token")
    said = mesh.job.log.read_text(encoding="utf-8")
    assert "Ask a controller for a one-time token" in said  # the log of the run that enrolled the hosts
    assert len(token) > 20
    assert token not in said


def test_all_pairs_reach_each_other(mesh: Mesh) -> None:
    report = mesh.job.report()
    assert report["pairs"] == len(mesh.running) * (len(mesh.running) - 1)
    assert report["unreachable"] == []


def test_the_report_tells_everything(mesh: Mesh) -> None:
    report = mesh.job.report()
    assert (report["ok"], report["findings"]) == (True, [])
    assert [host["host"] for host in report["hosts"]] == sorted(mesh.running)
    assert {host["state"] for host in report["hosts"]} == {"tunneling"}
    assert {pair["path"] for host in report["hosts"] for pair in host["pairs"]} == {"rule"}
    assert [(each["host"], each["healthy"]) for each in report["controllers"]] == [(mesh.controller, True)]
    assert [len(hosts) for hosts in report["versions"]["release"].values()] == [len(mesh.running)]
    page = mesh.job.report_page.read_text(encoding="utf-8")
    for host in report["hosts"]:
        assert f"<td>{host['host']}</td><td>{host['address']}</td>" in page
        assert all(f"<td>{pair['endpoint']}</td><td>rule</td>" in page for pair in host["pairs"])


def test_the_address_space_is_free_on_every_host(mesh: Mesh) -> None:
    cidr = mesh.job.report()["cidr"]
    for host in mesh.running:
        devices = mesh.shell(host, f"ip -o route show to root {cidr} | awk '{{print $3}}' | sort -u")
        assert devices == "cladnet0"


def test_a_second_run_changes_nothing(mesh: Mesh) -> None:
    run = mesh.job.play("site", tell=print)
    assert [str(recap) for recap in run.recaps if recap.changed] == []


def test_a_run_that_is_limited_to_one_host_removes_nobody(mesh: Mesh) -> None:
    run = mesh.job.play("site", tell=print, limit=mesh.running[-1])
    assert [str(recap) for recap in run.recaps if recap.changed] == []
    assert mesh.unreached(within_s=5) == []


def test_a_killed_agent_is_back(mesh: Mesh) -> None:
    host = mesh.running[-1]
    main_pid = "systemctl show --property MainPID --value cladnet-agent@cladnet"
    before = mesh.shell(host, main_pid)
    started = time.monotonic()
    mesh.shell(host, f"kill -9 {before}")
    assert mesh.unreached(within_s=5, since=started) == []
    assert mesh.shell(host, main_pid) not in (before, "0")


def test_a_vm_that_resumes_with_another_public_ip_is_followed(mesh: Mesh) -> None:
    host = next(name for name in mesh.running if name != mesh.controller)
    before = mesh.lab.hosts[host].public_ip
    mesh.job.simulator.control(host, "suspend")
    mesh.job.play("status", tell=print, cladnet_ready_timeout=3)
    assert mesh.job.report()["not_in_inventory"] == [host]  # which is a warning: the others are fine
    started = time.monotonic()
    mesh.job.simulator.control(host, "resume")
    assert mesh.lab.hosts[host].public_ip != before
    assert mesh.unreached(within_s=10, since=started) == []


def test_traffic_goes_on_without_any_controller(mesh: Mesh) -> None:
    one, other = mesh.running[-2:]
    address = next(pair["address"] for pair in mesh.ping(one, 5)["pairs"] if pair["host"] == other)
    command = f"ping -i 0.1 -c 50 -q {address}"
    mesh.shell(mesh.controller, "systemctl stop cladnet-controller cladnet-etcd")
    assert " 0% packet loss" in mesh.shell(one, command)


def test_a_host_that_reboots_without_any_controller_is_reachable_again(mesh: Mesh) -> None:
    host = next(name for name in mesh.running if name != mesh.controller)
    started = time.monotonic()
    mesh.lab.restart(host)
    assert mesh.unreached(within_s=15, since=started) == []


def test_controllers_come_back_to_what_they_knew(mesh: Mesh) -> None:
    mesh.shell(mesh.controller, "systemctl start cladnet-etcd cladnet-controller")
    run = mesh.job.play("site", tell=print)
    assert sum(recap.failed for recap in run.recaps) == 0
    assert mesh.job.report()["unreachable"] == []


def test_the_controllers_own_vm_may_move_too(mesh: Mesh) -> None:
    mesh.job.simulator.control(mesh.controller, "suspend")
    started = time.monotonic()
    mesh.job.simulator.control(mesh.controller, "resume")
    assert mesh.unreached(within_s=10, since=started) == []


def test_the_agent_may_do_little(mesh: Mesh) -> None:
    exposure = "systemd-analyze security --no-pager {} | tail -n 1 | grep -oE '[0-9]+\\.[0-9]+'"
    assert float(mesh.shell(mesh.controller, exposure.format("cladnet-agent@cladnet"))) <= 3.0
    assert float(mesh.shell(mesh.controller, exposure.format("cladnet-controller"))) <= 2.0


def test_uninstall_leaves_nothing(mesh: Mesh) -> None:
    mesh.job.play("uninstall", tell=print)
    left = {host: difference(mesh.footprints[host], footprint(mesh.lab, host)) for host in mesh.running}
    assert {host: lines for host, lines in left.items() if lines} == {}
    assert mesh.job.play("uninstall", tell=print).changed == 0
