# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What another look at the VMs of CB-Tumblebug changes."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.cloud_barista.cladnet.extensions.eda.plugins.plugin_utils.fleet_view import (
    TYPES,
    FleetView,
)
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._tumblebug.vm import Vm
from hypothesis import given
from hypothesis import strategies as st

OLD, NEW = "198.51.100.1", "198.51.100.2"


def vm(status: str = "Running", public_ip: str = OLD, **fields: Any) -> Vm:
    given = {"namespace": "ns", "infra": "i", "id": "g-1", "uid": "u1", "private_ip": "10.0.0.5", **fields}
    return Vm(status=status, public_ip=public_ip, **given)


def types_of(*looks: list[Vm]) -> list[list[str]]:
    """The types of what each look tells."""
    view, found = FleetView(), []
    for vms in looks:
        view, changes = view.look(vms)
        found.append([change.type for change in changes])
    return found


@pytest.mark.parametrize(
    ("looks", "told"),
    [
        ([[vm()], [vm()]], [["vm_running"], []]),
        ([[vm("Creating", "")], [vm()]], [[], ["vm_running"]]),
        ([[vm()], [vm("Suspending")], [vm("Suspended")]], [["vm_running"], [], ["vm_stopped"]]),
        (
            [[vm()], [vm("Suspended", "")], [vm("Resuming", "")], [vm("Running", NEW)]],
            [["vm_running"], ["vm_stopped"], [], ["vm_running", "public_ip_changed"]],
        ),
        ([[vm()], [vm("Suspended")], [vm()]], [["vm_running"], ["vm_stopped"], ["vm_running"]]),
        ([[vm()], [vm("Running", NEW)]], [["vm_running"], ["public_ip_changed"]]),
        ([[vm()], [vm("Running", "")], [vm()]], [["vm_running"], [], []]),
        ([[vm()], [vm("Rebooting")], [vm("Undefined", "")], [vm()]], [["vm_running"], [], [], []]),
        ([[vm()], []], [["vm_running"], ["vm_terminated"]]),
        ([[vm()], [vm("Terminated")], []], [["vm_running"], ["vm_terminated"], []]),
        ([[vm("Creating")], [vm("Failed")]], [[], ["vm_failed"]]),
        ([[vm("Creating")], []], [[], ["vm_terminated"]]),
        ([[vm("Running", "", private_ip="")], [vm()]], [[], ["vm_running"]]),
        ([[vm("Running", "")], [vm()]], [["vm_running"], []]),
        ([[vm()], [vm(uid="u2")]], [["vm_running"], ["vm_terminated", "vm_running"]]),
        ([[vm(uid="")], [vm(uid="")]], [["vm_running"], []]),
    ],
)
def test_only_what_happened_is_told(looks: list[list[Vm]], told: list[list[str]]) -> None:
    assert types_of(*looks) == told


def test_fields_are_those_of_the_inventory_with_what_was_before() -> None:
    view, _changes = FleetView().look([vm("Suspended", "", provider="aws", key_file="secret.pem")])
    _view, changes = view.look([vm("Running", NEW, provider="aws", key_file="secret.pem")])
    (fields,) = [change.fields for change in changes]
    assert fields["host"] == "g-1"
    assert fields["provider"] == "aws"
    assert (fields["previous_status"], fields["status"]) == ("Suspended", "Running")
    assert (fields["previous_public_ip"], fields["public_ip"]) == ("", NEW)
    assert "key_file" not in fields


def test_hosts_are_named_as_in_the_inventory() -> None:
    _view, changes = FleetView().look([vm(), vm(infra="j"), vm(id="g-2", uid="u3")])
    assert [change.vm.host for change in changes] == ["g-1.i", "g-1.j", "g-2"]


def test_vm_that_began_to_run_is_asked_for_again() -> None:
    view, _changes = FleetView().look([vm()])
    assert not view.began_to_run(vm())
    assert view.began_to_run(vm(id="g-2"))
    view, _changes = view.look([vm("Suspended")])
    assert view.began_to_run(vm())


_vms = st.builds(
    vm,
    st.sampled_from(["Running", "Suspended", "Creating", "Undefined", "Terminated", "Failed"]),
    st.sampled_from(["", OLD, NEW]),
    id=st.just("g-1"),
    uid=st.sampled_from(["", "u1", "u2"]),
)
_looks = st.lists(st.lists(_vms, max_size=1), min_size=1, max_size=6)


@given(_looks)
def test_same_look_again_tells_nothing_and_a_stored_view_is_the_same(looks: list[list[Vm]]) -> None:
    view = FleetView()
    for vms in looks:
        restored = FleetView.of_document(view.to_document())
        view, changes = view.look(vms)
        assert restored.look(vms)[1] == changes
        assert {change.type for change in changes} <= set(TYPES)
        assert view.look(vms)[1] == []
