# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Builds the archive of the collection and installs it, as a user would who got it from Galaxy."""

from __future__ import annotations

import hashlib
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from lab.commands import run
from lab.folders import ROOT

NOT_OURS = {"build", "__pycache__", "tests"}
GALAXY = Path(sys.executable).with_name("ansible-galaxy")


def install(folder: Path) -> Path:
    """Builds and installs the collection below the folder unless that very tree is installed; its root."""
    installed = folder / "ansible_collections" / "cloud_barista" / "cladnet"
    mark = folder / "tree"
    tree = _tree_digest()
    if mark.exists() and mark.read_text(encoding="utf-8") == tree:
        return installed
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    run(str(GALAXY), "collection", "build", str(ROOT), "--output-path", str(folder))
    archive = next(folder.glob("cloud_barista-cladnet-*.tar.gz"))
    run(
        str(GALAXY),
        "collection",
        "install",
        "--offline",
        "--no-cache",
        "--force",
        str(archive),
        "--collections-path",
        str(folder),
    )
    mark.write_text(tree, encoding="utf-8")
    return installed


def _tree_digest() -> str:
    """Changes whenever a file does that goes into the archive."""
    digest = hashlib.sha256()
    for path in sorted(_tree_files(ROOT)):
        digest.update(path.relative_to(ROOT).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()


def _tree_files(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.name in NOT_OURS or path.name.startswith("."):
            continue
        if path.is_dir() and not path.is_symlink():
            yield from _tree_files(path)
        elif path.is_file():
            yield path
