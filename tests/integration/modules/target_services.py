# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Runs a command beside what the targets of ansible-test need: simulators of CB-Tumblebug and a controller.

``python -m tests.integration.modules.target_services TREE COMMAND [ARGUMENT...]``: TREE is a copy of the
collection, in which ``tests/integration/integration_config.yml`` tells the targets where all of that is.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from string import Template
from tempfile import TemporaryDirectory
from typing import NoReturn

from tests.integration.modules.real_controller import real_controller
from tests.integration.modules.simulated_tumblebug import CREDENTIALS, simulated_tumblebug

NAMESPACE = "targets"
ERAS = ("infra", "mci", "mcis")
TRANSITION_S = 0.3
TERMINATED = 128 + signal.SIGTERM


@contextmanager
def services(folder: Path) -> Iterator[dict[str, str]]:
    """Runs them all; gives what the template of ``integration_config.yml`` has to be filled with."""
    with ExitStack() as running:
        controller = running.enter_context(real_controller(folder))
        values = {f"cladnet_{option}": value for option, value in controller.connection.items()}
        for era in ERAS:
            simulator = simulated_tumblebug(era, folder, namespace=NAMESPACE, transition_s=TRANSITION_S)
            values[f"tumblebug_url_{era}"] = running.enter_context(simulator)
        values |= {f"tumblebug_{option}": value for option, value in CREDENTIALS.items()}
        yield values | {"tumblebug_namespace": NAMESPACE}


def write_config(tree: Path, values: dict[str, str]) -> None:
    """Fills in the template beside which the targets expect the file."""
    template = tree / "tests" / "integration" / "integration_config.yml.template"
    template.with_suffix("").write_text(Template(template.read_text()).substitute(values))


def main(tree: str, *command: str) -> int:
    """Returns the exit status of the command."""
    signal.signal(signal.SIGTERM, _terminate)
    with TemporaryDirectory(prefix="cladnet-targets") as folder, services(Path(folder)) as values:
        write_config(Path(tree), values)
        return subprocess.run(command, cwd=tree, check=False).returncode


def _terminate(_number: int, _frame: object) -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # all is being stopped already
    sys.exit(TERMINATED)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
