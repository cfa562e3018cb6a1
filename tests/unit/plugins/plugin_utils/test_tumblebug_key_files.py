# Copyright (c) 2026 Cloud-Barista
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private keys on disk."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._errors import InvalidInput
from ansible_collections.cloud_barista.cladnet.plugins.plugin_utils._tumblebug.key_files import (
    KeyFiles,
    default_directory,
    file_name,
)

KEY = "-----BEGIN-----\nabc\n-----END-----"


@pytest.fixture
def files(tmp_path: Path) -> KeyFiles:
    return KeyFiles(tmp_path / "keys")


def test_written_for_nobody_else(files: KeyFiles) -> None:
    before = os.umask(0)
    try:
        files.write("a.pem", KEY)
    finally:
        os.umask(before)

    path = files.path("a.pem")
    assert path.read_text() == KEY + "\n"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert [each.name for each in path.parent.iterdir()] == ["a.pem"]


def test_same_key_is_left_alone(files: KeyFiles) -> None:
    files.write("a.pem", KEY)
    before = files.path("a.pem").stat()
    files.write("a.pem", KEY + "\n")

    assert files.path("a.pem").stat().st_ino == before.st_ino


@pytest.mark.parametrize("damage", ["other", "mode", "link"])
def test_another_key_mode_or_link_is_replaced(files: KeyFiles, tmp_path: Path, damage: str) -> None:
    files.write("a.pem", "old" if damage == "other" else KEY)
    path = files.path("a.pem")
    if damage == "mode":
        path.chmod(0o644)
    if damage == "link":
        target = tmp_path / "target"
        path.rename(target)
        path.symlink_to(target)
    files.write("a.pem", KEY)

    assert not path.is_symlink()
    assert (path.read_text(), path.stat().st_mode & 0o777) == (KEY + "\n", 0o600)


def test_directory_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(
        InvalidInput, match=r"file a\.pem cannot be written to .*file/keys.*ssh_key_directory"
    ):
        KeyFiles(tmp_path / "file" / "keys").write("a.pem", KEY)


@pytest.mark.parametrize(
    ("namespace", "key_id", "name"),
    [
        ("ns01", "default-shared-aws", "ns01.default-shared-aws.pem"),
        ("..", "../../etc/passwd", "...%2E%2E%2F%2E%2E%2Fetc%2Fpasswd.pem"),
    ],
)
def test_file_name_is_never_a_path(namespace: str, key_id: str, name: str) -> None:
    assert "/" not in file_name(namespace, key_id)
    assert file_name(namespace, key_id).replace("..", "") != ""
    if namespace == "ns01":
        assert file_name(namespace, key_id) == name


def test_default_directory_is_one_per_server() -> None:
    one = default_directory("http://tb:1323/tumblebug", {"XDG_CACHE_HOME": "/cache"})
    other = default_directory("https://tb:1323/tumblebug", {"XDG_CACHE_HOME": "/cache"})

    assert one.parent == Path("/cache/cladnet/tumblebug")
    assert one.name.startswith("tb_1323-")
    assert one != other
