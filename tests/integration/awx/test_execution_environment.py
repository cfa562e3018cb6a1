# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The real ansible-builder takes the definition of the image and reads what the collection needs."""

from __future__ import annotations

import os
from pathlib import Path

import yaml

from tests.integration.awx.configuration import ROOT, run
from tests.integration.awx.private_data import beside_python

EXAMPLE = ROOT / "examples" / "execution-environment"
COLLECTIONS = ROOT / "build" / "collections"
BUILDER = beside_python("ansible-builder")


def lines_of(path: Path) -> list[str]:
    """What a file of requirements asks for, without its comments."""
    lines = (line.partition("#")[0].strip() for line in path.read_text().splitlines())
    return [line for line in lines if line]


def test_builder_takes_the_definition(tmp_path: Path) -> None:
    definition, context = EXAMPLE / "execution-environment.yml", tmp_path / "context"
    command = [BUILDER, "create", "--file", definition, "--context", context]
    created = run([*command, "--output-filename", "Containerfile"], dict(os.environ))

    assert created.status == 0, created.output
    recipe = (context / "Containerfile").read_text()
    assert 'ARG EE_BASE_IMAGE="fedora:42"' in recipe
    assert recipe.index("git-core") < recipe.index("ansible-galaxy collection install")
    assert (context / "_build" / "requirements.yml").read_text() == (EXAMPLE / "requirements.yml").read_text()


def test_introspection_finds_exactly_what_the_collection_needs(tmp_path: Path) -> None:
    """Without --sanitize nothing is dropped or rewritten, so what is said here is what is installed."""
    python, system = tmp_path / "requirements.txt", tmp_path / "bindep.txt"
    command = [BUILDER, "introspect", "--write-pip", python, "--write-bindep", system, COLLECTIONS]
    introspected = run(command, dict(os.environ))

    assert introspected.status == 0, introspected.output
    assert lines_of(python) == lines_of(ROOT / "meta" / "ee-requirements.txt")
    assert lines_of(system) == lines_of(ROOT / "meta" / "ee-bindep.txt")
    for word in ("WARNING", "ERROR", "Traceback"):
        assert word not in introspected.output


def test_the_image_and_the_project_install_the_same_collection() -> None:
    image = yaml.safe_load((EXAMPLE / "requirements.yml").read_text())
    project = ROOT / "examples" / "awx" / "project" / "collections" / "requirements.yml"
    assert image == yaml.safe_load(project.read_text())
