# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The archive of wheels: which pins apply to which host, and how its name follows from its content."""

from __future__ import annotations

import importlib.util
import io
import sys
import tarfile
from pathlib import Path
from types import ModuleType

import pytest

FILE = Path(__file__).resolve().parents[3] / "roles/cladnet_package/files/wheelhouse.py"


@pytest.fixture(scope="module")
def wheelhouse() -> ModuleType:
    spec = importlib.util.spec_from_file_location("wheelhouse", FILE)
    module = importlib.util.module_from_spec(spec)
    sys.modules["wheelhouse"] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("python", "entry", "pin"),
    [
        (
            "3.11",
            "idna==3.20 --hash=sha256:aa --hash=sha256:bb",
            "idna==3.20 --hash=sha256:aa --hash=sha256:bb",
        ),
        (
            "3.10",
            "tomli==2.5.0 ; python_full_version < '3.11' --hash=sha256:aa",
            "tomli==2.5.0 --hash=sha256:aa",
        ),
        ("3.11", "tomli==2.5.0 ; python_full_version < '3.11' --hash=sha256:aa", None),
        ("3.11", "wincertstore==1.0 ; sys_platform == 'win32' --hash=sha256:aa", None),
        ("3.11", "", None),
    ],
)
def test_pins_follow_the_target_not_the_control_node(
    wheelhouse: ModuleType, python: str, entry: str, pin: str | None
) -> None:
    assert wheelhouse.pin_for(entry, wheelhouse.Target(python, "x86_64")) == pin


@pytest.mark.parametrize("python", ["3.10", "3.11", "3.12", "3.13"])
def test_every_pin_of_the_lock_has_a_hash_and_names_are_unique(wheelhouse: ModuleType, python: str) -> None:
    pins = wheelhouse.locked_requirements(wheelhouse.Target(python, "aarch64"))
    names = [pin.split("==")[0] for pin in pins]
    assert len(names) == len(set(names))
    assert {"cryptography", "grpcio", "pip", "pyroute2"} <= set(names)
    assert all("--hash=sha256:" in pin for pin in pins)


def test_the_name_follows_from_target_and_content(wheelhouse: ModuleType) -> None:
    first = wheelhouse.Target("3.11", "x86_64")
    names = {
        wheelhouse.digest(first, True),
        wheelhouse.digest(first, False),
        wheelhouse.digest(wheelhouse.Target("3.12", "x86_64"), True),
        wheelhouse.digest(wheelhouse.Target("3.11", "aarch64"), True),
    }
    assert len(names) == 4
    assert wheelhouse.digest(first, True) in names


def test_the_best_platform_comes_first(wheelhouse: ModuleType) -> None:
    platforms = wheelhouse.Target("3.11", "aarch64").platforms
    assert platforms[0] == "manylinux_2_28_aarch64"
    assert platforms[-1] == "linux_aarch64"


def test_a_ready_archive_is_described(wheelhouse: ModuleType, tmp_path: Path) -> None:
    archive = tmp_path / "cladnet-0.1.0-0123456789ab.tar"
    with tarfile.open(archive, "w") as tar:
        tar.addfile(tarfile.TarInfo("pip-26.3-py3-none-any.whl"), io.BytesIO())
    described = wheelhouse.describe(archive, changed=False)
    assert described["release"] == "0.1.0-0123456789ab"
    assert described["pip"] == "pip-26.3-py3-none-any.whl"


def test_a_foreign_archive_is_refused(wheelhouse: ModuleType, tmp_path: Path) -> None:
    archive = tmp_path / "other.tar"
    tarfile.open(archive, "w").close()
    with pytest.raises(wheelhouse.WheelhouseError, match="not an archive made by this role"):
        wheelhouse.describe(archive, changed=False)
