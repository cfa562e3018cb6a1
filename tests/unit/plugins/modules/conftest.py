# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Runs whole modules."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.cloud_barista.cladnet.tests.unit.plugins.https_server import HttpsServer

Run = Callable[..., dict[str, Any]]


@pytest.fixture
def run(server: HttpsServer, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a module against the server; returns its result."""

    def run_module(
        module: ModuleType, *, check: bool = False, connection: dict[str, Any] | None = None, **options: Any
    ) -> dict[str, Any]:
        default = {"api_url": server.url, "api_token": "secret", "ca_path": str(server.ca_path)}
        arguments = {
            **(default if connection is None else connection),
            **options,
            "_ansible_check_mode": check,
        }
        with patch_module_args(arguments), pytest.raises(SystemExit):
            module.main()
        return json.loads(capsys.readouterr().out)

    return run_module
