# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""``python -m bench.inventory.parse FILE``: what parsing an inventory costs, without the start of Ansible.

Run by the Python that has Ansible. Prints processor time and time on the wall, in seconds.
"""

from __future__ import annotations

import sys
import time

from ansible.inventory.manager import InventoryManager  # type: ignore[import-untyped]
from ansible.parsing.dataloader import DataLoader  # type: ignore[import-untyped]
from ansible.plugins.loader import init_plugin_loader  # type: ignore[import-untyped]


def main() -> None:
    """Parses the inventory that is named on the command line."""
    init_plugin_loader([])
    loader = DataLoader()
    started_cpu_s, started_s = time.process_time(), time.perf_counter()
    InventoryManager(loader=loader, sources=sys.argv[1:])
    print(time.process_time() - started_cpu_s, time.perf_counter() - started_s)


if __name__ == "__main__":
    main()
