# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Credentials of a custom type, injected as AWX does it before a job or an inventory update.

What AWX does is in its ``CredentialType.inject_credential``: fields that are empty are undefined in the
templates, booleans that were never set are false, every file template becomes a file even if it renders to
nothing, and the variables of the environment are rendered last, when the names of the files are known.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from jinja2.sandbox import ImmutableSandboxedEnvironment

CredentialType = dict[str, Any]
Inputs = dict[str, str | bool]


def injected(credential_type: CredentialType, inputs: Inputs, private_data_dir: Path) -> dict[str, str]:
    """Writes the files of a credential below env/ of a private data directory; gives its environment."""
    jinja = ImmutableSandboxedEnvironment()
    namespace = _namespace(credential_type, inputs)
    injectors = credential_type["injectors"]
    filename = SimpleNamespace()
    for label, template in injectors.get("file", {}).items():
        content = jinja.from_string(template).render(**namespace)
        setattr(filename, label.partition(".")[2], _written(content, private_data_dir / "env"))
    namespace["tower"] = SimpleNamespace(filename=filename)
    return {name: jinja.from_string(text).render(**namespace) for name, text in injectors["env"].items()}


def _namespace(credential_type: CredentialType, inputs: Inputs) -> dict[str, Any]:
    fields = credential_type["inputs"]["fields"]
    never_set = {field["id"]: False for field in fields if field["type"] == "boolean"}
    return never_set | {name: value for name, value in inputs.items() if value != ""}


def _written(content: str, folder: Path) -> str:
    _handle, path = tempfile.mkstemp(dir=folder)
    Path(path).write_text(content)
    return path
