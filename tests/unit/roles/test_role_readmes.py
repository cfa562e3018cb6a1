# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The READMEs of the roles say what their argument specifications say."""

from __future__ import annotations

import subprocess
import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).resolve().parents[3] / "scripts/generate_readmes.py"


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    spec = spec_from_loader("generate_readmes", SourceFileLoader("generate_readmes", str(SCRIPT)))
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_they_are_current() -> None:
    done = subprocess.run([sys.executable, SCRIPT, "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"run scripts/generate_readmes.py for {done.stdout}"


@pytest.mark.parametrize(
    ("option", "shown"),
    [
        ({"type": "str", "default": ""}, "empty"),
        ({"type": "bool", "default": True}, "`true`"),
        ({"type": "list", "elements": "str", "default": ["a:0"]}, "`['a:0']`"),
        ({"type": "str", "default": "{{ a\n  | b }}"}, "`{{ a \\| b }}`"),
        ({"type": "str", "required": True}, "**required**"),
        ({"type": "str"}, ""),
    ],
)
def test_defaults_are_shown_as_one_writes_them(
    generator: ModuleType, option: dict[str, object], shown: str
) -> None:
    assert generator.default(option) == shown


def test_markup_becomes_code(generator: ModuleType) -> None:
    text = "Set O(a) to V(b (c)) with M(x.y.z), C(d) and P(x.y.w#lookup); not ADO(e)."
    assert generator.plain(text) == "Set `a` to `b (c)` with `x.y.z`, `d` and `x.y.w`; not ADO(e)."
