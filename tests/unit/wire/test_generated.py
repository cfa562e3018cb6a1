# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The checked-in messages are those of the .proto files, and load on the oldest protobuf we allow."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from google.protobuf.descriptor import FileDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet

from cladnet.wire import agent_pb2, etcd_pb2, methods

ROOT = Path(__file__).resolve().parents[3]
FILES = {"agent.proto": agent_pb2, "etcd.proto": etcd_pb2}


def checked_in(name: str) -> FileDescriptor:
    return FILES[name].DESCRIPTOR


def declarations(file: FileDescriptorProto) -> str:
    """What a file declares, without the JSON names that only a descriptor set spells out."""
    return re.sub(r"\s*json_name: .*", "", str(file))


def version_in(file: Path, pattern: str) -> tuple[int, ...]:
    found = re.search(pattern, file.read_text())
    assert found, f"{file.name} names no version"
    return tuple(map(int, found[1].split(".")))


@pytest.mark.parametrize("name", FILES)
def test_checked_in_messages_equal_the_proto_file(name: str, tmp_path: Path) -> None:
    protoc = pytest.importorskip("grpc_tools.protoc")
    out = tmp_path / "set"
    assert protoc.main(["protoc", f"-I{ROOT / 'proto'}", f"--descriptor_set_out={out}", name]) == 0
    (compiled,) = FileDescriptorSet.FromString(out.read_bytes()).file
    ours = FileDescriptorProto()
    checked_in(name).CopyToProto(ours)
    assert declarations(ours) == declarations(compiled), (
        "proto/ and src/cladnet/wire differ: run scripts/generate-stubs"
    )


def test_generated_code_asks_for_no_newer_protobuf_than_we_do() -> None:
    floor = version_in(ROOT / "pyproject.toml", r'"protobuf>=([\d.]+)')
    for module in FILES.values():
        generated = version_in(Path(module.__file__), r"Protobuf Python Version: ([\d.]+)")
        assert generated <= (*floor, 0), module.__name__


def test_every_method_name_is_a_method_of_a_service() -> None:
    declared = {
        f"/{service.full_name}/{method.name}"
        for name in FILES
        for service in checked_in(name).services_by_name.values()
        for method in service.methods
    }
    named = {value for value in vars(methods).values() if isinstance(value, str) and value.startswith("/")}
    assert {n for n in named if n.count("/") == 2} == declared
