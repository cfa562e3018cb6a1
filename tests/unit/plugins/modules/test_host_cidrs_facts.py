# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The fact module where it cannot work: it says how to go on. What it finds is tested in real namespaces."""

from __future__ import annotations

import json

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.cloud_barista.cladnet.plugins.modules import host_cidrs_facts


def result_of(capsys, **options) -> dict:
    with patch_module_args(options), pytest.raises(SystemExit):
        host_cidrs_facts.main()
    return json.loads(capsys.readouterr().out)


def test_without_pyroute2_it_says_how_to_get_it(capsys, monkeypatch) -> None:
    monkeypatch.setattr(host_cidrs_facts, "PYROUTE2_IMPORT_ERROR", "ImportError")
    message = result_of(capsys)["msg"]
    assert "(pyroute2)" in message
    assert "python3-pyroute2" in message
    assert "/opt/cladnet/current/bin/python" in message


def test_netlink_that_is_refused_is_one_sentence(capsys, monkeypatch) -> None:
    def refuse() -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(host_cidrs_facts, "IPRoute", refuse)
    assert "does not say over netlink" in result_of(capsys)["msg"]


def test_this_very_host(capsys) -> None:
    result = result_of(capsys, exclude_interfaces=["*"])
    facts = result["ansible_facts"]["cladnet_host_cidrs"]
    assert result["changed"] is False
    assert facts["networks"] == []
    assert "lo" in facts["cladnet_interfaces"]
