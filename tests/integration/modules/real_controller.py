# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""A real controller over a real etcd, and modules run against it by the real ansible."""

from __future__ import annotations

import json
import os
import shutil
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.integration.controller.etcd_server import EtcdServer, free_port
from tests.integration.datapath.namespaces import Namespace

ROOT = Path(__file__).resolve().parents[3]
START_DEADLINE_S = 20.0
STOP_DEADLINE_S = 10.0
ANSIBLE_DEADLINE_S = 60.0


@dataclass(frozen=True)
class RealController:
    """Where it is, and where its token and certificate authority are."""

    url: str
    state_dir: Path

    @property
    def connection(self) -> dict[str, str]:
        """Options of the connection, as a playbook on the controller's host gives them."""
        return {
            "api_url": self.url,
            "api_token_file": str(self.state_dir / "admin.token"),
            "ca_path": str(self.state_dir / "pki" / "ca.crt"),
        }

    def is_healthy(self) -> bool:
        """Whether it answers and reaches etcd."""
        with suppress(OSError):
            self.call("/v1/health")
            return True
        return False

    def enrol(self, token: str) -> None:
        """What an agent does with its token: the host becomes a member."""
        key = ec.generate_private_key(ec.SECP256R1())
        request = (
            x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
        )
        csr = request.public_bytes(serialization.Encoding.PEM).decode()
        self.call("/v1/enrol", {"token": token, "csr_pem": csr})

    def call(self, path: str, body: dict[str, Any] | None = None) -> None:
        """Calls the API without the administrator's token."""
        context = ssl.create_default_context(cafile=self.connection["ca_path"])
        data = None if body is None else json.dumps(body).encode()
        request = Request(self.url + path, data, {"Content-Type": "application/json"})  # noqa: S310  (https)
        urlopen(request, context=context, timeout=5).close()  # noqa: S310


@contextmanager
def real_controller(folder: Path) -> Iterator[RealController]:
    """Runs etcd and a controller until the test is over."""
    (folder / "etcd").mkdir()
    etcd = EtcdServer(folder / "etcd")
    etcd.start()
    try:
        with _controller_process(folder, etcd.endpoint) as controller:
            yield controller
    finally:
        etcd.kill()
        shutil.rmtree(folder / "etcd")  # 128 MiB of preallocated log


@contextmanager
def _controller_process(folder: Path, etcd_endpoint: str) -> Iterator[RealController]:
    port, state_dir = free_port(), folder / "state"
    state_dir.mkdir(mode=0o700)  # as systemd's StateDirectory does
    config = folder / "controller.toml"
    config.write_text(
        f'name = "c1"\netcd_endpoints = ["{etcd_endpoint}"]\nstate_dir = "{state_dir}"\n'
        f'api_listen = "127.0.0.1:{port}"\nagent_listen = "127.0.0.1:{free_port()}"\n'
        f'stun_listen = "127.0.0.1:{free_port()}"\nadvertise = ["127.0.0.1"]\n'
    )
    log = folder / "controller.log"
    command = [sys.executable, "-m", "cladnet.controller.main", "--config", str(config)]
    with log.open("wb") as output:
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
        process = subprocess.Popen(command, stdout=output, stderr=output, env=environment)
    try:
        controller = RealController(f"https://127.0.0.1:{port}", state_dir)
        _wait_until_healthy(controller, process, log)
        yield controller
    finally:
        process.terminate()
        process.wait(STOP_DEADLINE_S)


def _wait_until_healthy(controller: RealController, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_DEADLINE_S
    while not controller.is_healthy():
        assert process.poll() is None, log.read_text()[-3000:]
        assert time.monotonic() < deadline, "the controller did not start in time: " + log.read_text()[-3000:]
        time.sleep(0.05)


@dataclass(frozen=True)
class Result:
    """What a module said."""

    fields: dict[str, Any] = field(default_factory=dict)
    output: str = ""

    def __getitem__(self, key: str) -> Any:
        return self.fields[key]

    def __contains__(self, key: str) -> bool:
        return key in self.fields


def run_module(module: str, options: dict[str, Any], *flags: str, inside: Namespace | None = None) -> Result:
    """Runs a module of the collection as ``ansible localhost -m`` does for a person, also in a namespace."""
    command = [str(Path(sys.executable).with_name("ansible")), "localhost"]
    command += ["-m", f"cloud_barista.cladnet.{module}", *flags]
    command += ["-a", json.dumps(options)] if options else []
    completed = subprocess.run(
        inside.command(*command) if inside else command,
        env={
            **{name: value for name, value in os.environ.items() if not name.startswith("CLADNET_")},
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "build" / "collections"),
            "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
            "ANSIBLE_NOCOLOR": "1",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=ANSIBLE_DEADLINE_S,
    )
    output = completed.stdout + completed.stderr
    _status, arrow, answer = completed.stdout.partition(" => ")
    assert arrow, output
    fields, _end = json.JSONDecoder().raw_decode(answer)
    return Result(fields, output)
