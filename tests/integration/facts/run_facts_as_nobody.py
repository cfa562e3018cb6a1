# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Runs the fact module as an ordinary user without any capability; the options are the argument, as JSON."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from ansible.module_utils.testing import patch_module_args
from ansible_collections.cloud_barista.cladnet.plugins.modules import host_cidrs_facts

NOBODY = 65534

if __name__ == "__main__":
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)
    os.chdir("/")
    assert "CapEff:\t0000000000000000" in Path("/proc/self/status").read_text()
    with patch_module_args(json.loads(sys.argv[1])):
        host_cidrs_facts.main()
