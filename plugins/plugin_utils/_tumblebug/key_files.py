# Copyright (c) 2026 Cloud-Barista
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection
"""SSH keys on disk: one file per private key, for nobody else to read."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from tempfile import NamedTemporaryFile
from urllib.parse import quote, urlsplit

from ansible_collections.cloud_barista.cladnet.plugins.module_utils._errors import InvalidInput


def default_directory(base: str, environment: dict[str, str]) -> Path:
    """The directory for the keys of one CB-Tumblebug, in the user's cache directory.

    Args:
        base: address of CB-Tumblebug.
        environment: variables such as XDG_CACHE_HOME and HOME.
    """
    cache = environment.get("XDG_CACHE_HOME") or "~/.cache"
    server = re.sub(r"[^A-Za-z0-9.-]", "_", urlsplit(base).netloc)
    digest = hashlib.sha256(base.encode()).hexdigest()[:8]
    return Path(cache).expanduser() / "cladnet" / "tumblebug" / f"{server}-{digest}"


def file_name(namespace: str, key_id: str) -> str:
    """The name of a key's file: one name per key, and never a path."""
    return f"{quote(namespace, safe='+')}.{quote(key_id, safe='+')}.pem"


class KeyFiles:
    """The files of one directory, which is made when the first key is written."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def path(self, name: str) -> Path:
        return self._directory / name

    def exists(self, name: str) -> bool:
        return self.path(name).is_file()

    def write(self, name: str, private_key: str) -> None:
        """Writes a key in one step, mode 0600; leaves a file alone that holds it already.

        Raises:
            InvalidInput: the directory cannot be written.
        """
        self.write_text(name, private_key.rstrip("\n") + "\n")  # OpenSSH wants the last newline

    def write_text(self, name: str, text: str) -> None:
        """Writes any file as ``write`` does."""
        content = text.encode()
        try:
            if not self._holds(name, content):
                self._replace(name, content)
        except OSError as exc:
            raise InvalidInput(
                f"The file {name} cannot be written to {self._directory}: {exc.strerror}.",
                hint="Choose another ssh_key_directory, or switch ssh_keys off.",
            ) from exc

    def _holds(self, name: str, content: bytes) -> bool:
        path = self.path(name)
        if not path.is_file() or path.is_symlink() or path.stat().st_mode & 0o777 != 0o600:
            return False
        return path.read_bytes() == content

    def _replace(self, name: str, content: bytes) -> None:
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=self._directory, prefix=".", delete=False) as file:  # made with mode 0600
            try:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
                Path(file.name).replace(self.path(name))
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise
