# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Builds the archive that a host without any way out is installed from.

Runs on the control node, beside Ansible. For one target platform it downloads every wheel of the
hash-locked list, builds the wheel of cladnet itself from this collection, and packs all into one
archive with a requirements file in which every hash is pinned, our own wheel's included.
The result is cached under a name that is derived from everything that goes in.

Prints one line of JSON: {"changed": bool, "archive": path, "release": name, "pip": file name}; or if only the
name of the release is asked for, nothing is built and "archive" and "pip" are left out.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement

COLLECTION = Path(__file__).resolve().parents[3]
LOCK = Path(__file__).resolve().with_name("requirements.lock")
# wheels built against any glibc from CentOS 7 to RHEL 8; every supported host has a newer one
GLIBC_MINORS = range(28, 16, -1)


class WheelhouseError(Exception):
    """The archive cannot be built; the message says why."""


@dataclass(frozen=True)
class Target:
    """Where the wheels will run."""

    python: str
    architecture: str

    @property
    def platforms(self) -> list[str]:
        """Platform tags that run on the target, best first."""
        return [
            *(f"manylinux_2_{minor}_{self.architecture}" for minor in GLIBC_MINORS),
            f"manylinux2014_{self.architecture}",
            f"linux_{self.architecture}",
        ]

    @property
    def markers(self) -> dict[str, str]:
        """Environment of the target for PEP 508 markers."""
        return {
            "python_version": self.python,
            "python_full_version": f"{self.python}.0",
            "sys_platform": "linux",
            "platform_system": "Linux",
            "platform_machine": self.architecture,
            "platform_python_implementation": "CPython",
            "implementation_name": "cpython",
            "os_name": "posix",
        }


def locked_requirements(target: Target) -> list[str]:
    """The lines of the lock that apply to the target, with their hashes and without markers."""
    entries = LOCK.read_text().replace("\\\n", " ").splitlines()
    return [pinned for entry in entries if (pinned := pin_for(entry, target))]


def pin_for(entry: str, target: Target) -> str | None:
    """``name==version --hash=...`` if the entry applies to the target."""
    text, *hashes = entry.split(" --hash=")
    if not text.strip():
        return None
    requirement = Requirement(text.strip())
    if requirement.marker and not requirement.marker.evaluate(target.markers):
        return None
    return " --hash=".join([f"{requirement.name}{requirement.specifier}", *(item.strip() for item in hashes)])


def source_files() -> list[Path]:
    """Everything that the wheel of cladnet is made from, in a fixed order."""
    package = (path for path in (COLLECTION / "src").rglob("*") if path.is_file())
    return [COLLECTION / "pyproject.toml", *sorted(path for path in package if path.suffix != ".pyc")]


def digest(target: Target, with_dependencies: bool) -> str:
    """A name for everything that goes into the archive."""
    total = hashlib.sha256(repr((target, with_dependencies)).encode())
    for path in [LOCK, Path(__file__).resolve(), *source_files()]:
        total.update(path.relative_to(COLLECTION).as_posix().encode())
        total.update(path.read_bytes())
    return total.hexdigest()[:12]


def version() -> str:
    """The version of cladnet in this collection."""
    for line in (COLLECTION / "src/cladnet/__init__.py").read_text().splitlines():
        if line.startswith("__version__"):
            return line.split('"')[1]
    raise WheelhouseError(f"{COLLECTION}/src/cladnet/__init__.py names no version; reinstall the collection.")


def run_pip(*arguments: str) -> None:
    """Runs pip of the Python that runs Ansible."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return
    reason = [
        line for line in done.stderr.splitlines() if line.startswith("ERROR")
    ] or done.stderr.splitlines()
    raise WheelhouseError(
        f"pip {arguments[0]} failed on the control node: {' '.join(reason[-2:])} "
        "The control node needs pip and a way to a Python package index, "
        "or set cladnet_package_wheelhouse to an archive that was built elsewhere."
    )


def build_own_wheel(folder: Path) -> str:
    """Builds the wheel of cladnet; its requirement line with hash."""
    run_pip("wheel", "--no-deps", "--wheel-dir", str(folder), str(COLLECTION))
    wheel = next(folder.glob("cladnet-*.whl"))
    return f"cladnet=={version()} --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}"


def download(pins: list[str], target: Target, folder: Path) -> None:
    """Downloads wheels for the target; every hash is checked by pip."""
    wanted = folder / "wanted.txt"
    wanted.write_text("\n".join(pins) + "\n")
    platforms = [option for tag in target.platforms for option in ("--platform", tag)]
    run_pip(
        "download", "--no-deps", "--require-hashes", "--only-binary=:all:", "--implementation", "cp",
        "--python-version", target.python, *platforms, "--dest", str(folder), "--requirement", str(wanted),
    )  # fmt: skip
    wanted.unlink()


def fill(folder: Path, target: Target, with_dependencies: bool) -> None:
    """Puts wheels and requirements.txt into the folder; pip itself is there, but not to be installed."""
    pins = locked_requirements(target)
    pip_pins = [pin for pin in pins if pin.startswith("pip==")]
    runtime = [pin for pin in pins if pin not in pip_pins]
    download(pins if with_dependencies else pip_pins, target, folder)
    lines = [*runtime, build_own_wheel(folder)]
    (folder / "requirements.txt").write_text("\n".join(lines) + "\n")


def pack(folder: Path, archive: Path) -> None:
    """Packs the folder into the archive, which appears whole or not at all."""
    partial = archive.with_suffix(".partial")
    with tarfile.open(partial, "w") as tar:
        for path in sorted(folder.iterdir()):
            tar.add(path, arcname=path.name)
    partial.rename(archive)


def archive_in(cache: Path, target: Target, with_dependencies: bool) -> Path:
    """Where the archive is, or will be."""
    return cache / f"cladnet-{version()}-{digest(target, with_dependencies)}.tar"


def release_of(archive: Path) -> str:
    """The name of the release in an archive."""
    return archive.name.removeprefix("cladnet-").removesuffix(".tar")


def build(target: Target, cache: Path, with_dependencies: bool) -> tuple[bool, Path]:
    """Makes the archive unless it is there; (made now, path)."""
    archive = archive_in(cache, target, with_dependencies)
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if archive.exists():
            return False, archive
        folder = Path(tempfile.mkdtemp(dir=cache))
        try:
            fill(folder, target, with_dependencies)
            pack(folder, archive)
        finally:
            shutil.rmtree(folder)
    return True, archive


def describe(archive: Path, changed: bool) -> dict[str, object]:
    """What the role needs to know about the archive."""
    with tarfile.open(archive) as tar:
        pip = [name for name in tar.getnames() if name.startswith("pip-")]
    if not pip:
        raise WheelhouseError(f"{archive} holds no wheel of pip: it is not an archive made by this role.")
    return {"changed": changed, "archive": str(archive), "release": release_of(archive), "pip": pip[0]}


def answer(options: argparse.Namespace) -> dict[str, object]:
    """What the options ask for."""
    target, cache = Target(options.python, options.architecture), options.cache.expanduser()
    if options.name_only:
        archive = options.archive or archive_in(cache, target, not options.own_only)
        return {"changed": False, "release": release_of(archive)}
    if options.archive:
        return describe(options.archive, changed=False)
    changed, archive = build(target, cache, not options.own_only)
    return describe(archive, changed)


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--python", required=True, help="Python of the hosts, such as 3.11")
    parser.add_argument(
        "--architecture", required=True, help="machine of the hosts, such as x86_64 or aarch64"
    )
    parser.add_argument("--cache", type=Path, required=True, help="folder that keeps the archives")
    parser.add_argument("--archive", type=Path, help="an archive made before; nothing is built then")
    parser.add_argument(
        "--own-only", action="store_true", help="leave the dependencies to the hosts' package index"
    )
    parser.add_argument(
        "--name-only", action="store_true", help="say which release it would be, and build nothing"
    )
    return parser.parse_args()


def main() -> int:
    """Builds or describes one archive."""
    options = arguments()
    os.umask(0o077)
    try:
        print(json.dumps(answer(options)))
    except (WheelhouseError, OSError, tarfile.TarError) as error:
        print(f"wheelhouse: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
