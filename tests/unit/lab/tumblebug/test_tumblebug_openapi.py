# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Every answer against the API document that CB-Tumblebug published for the era's tag.

The published documents are generated from comments, the answers from structs, so some of them are wrong. Each
such place has a name in ``DEVIATIONS``; ``EXPECTED`` says where it must be met; any other difference fails.
Go writes nil slices, maps and pointers as null, of which the documents know nothing: null is always allowed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from lab.tumblebug.era import ERAS
from tests.unit.lab.tumblebug.tumblebug_bench import Bench, machine_keys, new_group, new_infra

DOCUMENTS = Path(__file__).resolve().parents[5] / "shared" / "tumblebug"
pytestmark = pytest.mark.skipif(
    not DOCUMENTS.is_dir(),
    reason="the published API documents are not beside this repository (../shared/tumblebug)",
)

DEVIATIONS = {
    "region": "Region and Zone on the wire up to v0.12.2; the document shows lower case",
    "connectionConfig": "ConfigName, ProviderName, ... on the wire up to v0.8.7",
    "cspViewVmDetail": "CB-Spider's object, whose keys begin with capitals",
    "subnetInfoList": "Id, Name, IPv4_CIDR, BastionNodes on the wire up to v0.9.8",
    "osArchitecture": "text on the wire, as recorded answers show; the document says object",
    "osPlatform": "text on the wire; the document says object",
    "imageStatus": "text on the wire; the document says object",
    "commandState": "text on the wire; the document says object",
    "yes-or-no": "installMonAgent, configureCloudAdaptiveNetwork may be empty; the document has yes and no",
    "access-capitals": "the wrapper of accessinfo has capitalised keys on the wire",
    "bare-text": "setting and removing a bastion answers a JSON string, not a message object",
}
ENUMERATED = {"osArchitecture", "osPlatform", "imageStatus"}
VM_OF_V0_8 = {"region", "connectionConfig", "cspViewVmDetail"}
EXPECTED: dict[str, dict[str, set[str]]] = {
    "mcis": {
        "machine": VM_OF_V0_8,
        "infra": VM_OF_V0_8,
        "infras": VM_OF_V0_8,
        "vnet": {"subnetInfoList"},
        "vnets": {"subnetInfoList"},
    },
    "mci": {
        "machine": {"region"},
        "infra": {"region", "yes-or-no"},
        "infras": {"region", "yes-or-no"},
        "infras_simple": {"yes-or-no"},
    },
    "infra": {
        "machine": {"osArchitecture"},
        "infra": {"osArchitecture", "yes-or-no"},
        "infras": {"osArchitecture", "yes-or-no"},
        "infras_simple": {"osArchitecture", "yes-or-no"},
        "image": ENUMERATED,
        "found_images": ENUMERATED,
    },
}

SCHEMAS = {
    "mcis": {"infra": "TbMcisInfo", "machine": "TbVmInfo", "vnet": "TbVNetInfo", "ssh_key": "TbSshKeyInfo"}
    | {"infra_status": "McisStatusInfo", "machine_status": "TbVmStatusInfo", "access": "McisAccessInfo"}
    | {"infras": "RestGetAllMcisResponse", "infras_status": "RestGetAllMcisStatusResponse"}
    | {"spec": "TbSpecInfo", "image": "TbImageInfo", "found_images": "RestGetAllImageResponse"}
    | {"command": "McisSshCmdResult", "check": "CheckMcisDynamicReqInfo"},
    "mci": {"infra": "TbMciInfo", "machine": "TbVmInfo", "vnet": "TbVNetInfo", "ssh_key": "TbSshKeyInfo"}
    | {"infra_status": "MciStatusInfo", "machine_status": "TbVmStatusInfo", "access": "MciAccessInfo"}
    | {"infras": "RestGetAllMciResponse", "infras_status": "RestGetAllMciStatusResponse"}
    | {"spec": "TbSpecInfo", "image": "TbImageInfo", "found_images": "RestGetAllImageResponse"}
    | {"command": "MciSshCmdResult", "check": "CheckMciDynamicReqInfo"},
    "infra": {"infra": "InfraInfo", "machine": "NodeInfo", "vnet": "VNetInfo", "ssh_key": "SshKeyInfo"}
    | {"infra_status": "InfraStatusInfo", "machine_status": "NodeStatusInfo", "access": "InfraAccessInfo"}
    | {"infras": "RestGetAllInfraResponse", "infras_status": "RestGetAllInfraStatusResponse"}
    | {"spec": "SpecInfo", "image": "ImageInfo", "found_images": "SearchImageResponse"}
    | {"command": "InfraSshCmdResultForAPI", "check": "CheckInfraDynamicReqInfo"}
    | {"review": "ReviewInfraDynamicReqInfo"},
}
SCHEMAS_OF_ALL = {
    "namespaces": "RestGetAllNsResponse",
    "namespace": "NsInfo",
    "ids": "IdList",
    "specs": "RestFilterSpecsResponse",
    "vnets": "RestGetAllVNetResponse",
    "ssh_keys": "RestGetAllSshKeyResponse",
    "bastion": "BastionNode",
    "message": "SimpleMsg",
    "labels": "LabelInfo",
    "request": "RequestDetails",
    "nodes": "RestGetAllNodeInNsResponse",
}
SHARED = "default-shared-aws-ap-northeast-2"


@cache
def schemas(tag: str) -> dict:
    """The schemas of a tag's document, closed: a key that the document does not know is an error."""
    document = json.loads((DOCUMENTS / f"swagger-{tag}.json").read_text())
    found = document.get("definitions") or document["components"]["schemas"]
    return {name: closed(schema) for name, schema in found.items()}


def closed(schema: object) -> object:
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/" + schema["$ref"].rpartition("/")[2]}]}
    result = {
        key: closed(value) for key, value in schema.items() if key not in ("example", "default", "required")
    }
    if result.get("type") in ("object", "array"):
        result["type"] = [result["type"], "null"]
    return result | ({"additionalProperties": False} if "properties" in result else {})


def deviations(era: str, kind: str, body: object) -> set[str]:
    """Names of the places where a body differs from the document; an unknown difference fails the test."""
    found = schemas(ERAS[era].tag)
    wanted = SCHEMAS[era].get(kind) or SCHEMAS_OF_ALL[kind]
    name = next(name for name in found if name.rpartition(".")[2] == wanted)
    validator = Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": found})
    return {deviation(error) for error in leaves(validator.iter_errors(body))}


def leaves(errors: Iterable[ValidationError]) -> Iterator[ValidationError]:
    """The innermost errors; of a reference, which is ``null or the object``, those of the object."""
    for error in errors:
        yield from (
            leaves(each for each in error.context if each.schema_path[0] == 1) if error.context else [error]
        )


def deviation(error: ValidationError) -> str:
    path = [str(part) for part in error.absolute_path]
    if error.validator == "enum" and path[-1] in ("installMonAgent", "configureCloudAdaptiveNetwork"):
        return "yes-or-no"
    if error.validator == "type" and path[0] == "commandStatus" and path[-1] == "status":
        return "commandState"
    known = next((part for part in reversed(path) if part in DEVIATIONS), None)
    assert error.validator == "additionalProperties" or known in ENUMERATED, f"{path}: {error.message}"
    assert known, f"{path}: {error.message}"
    return known


@pytest.fixture(params=sorted(ERAS))
def era(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def bench(era: str) -> Bench:
    return Bench(ERAS[era])


@pytest.mark.parametrize(
    ("kind", "path", "query"),
    [
        ("namespaces", "/ns", {}),
        ("namespace", "/ns/default", {}),
        ("infras", "{infras}", {}),
        ("infras_simple", "{infras}", {"option": "simple"}),
        ("infras_status", "{infras}", {"option": "status"}),
        ("ids", "{infras}", {"option": "id"}),
        ("ids", "/ns/empty/{infra}", {"option": "id"}),
        ("infra", "{infras}/mix", {}),
        ("ids", "{infras}/mix", {"option": "id"}),
        ("machine", "{infras}/mix/{node}/g1-1", {}),
        ("machine_status", "{infras}/mix/{node}/g1-1", {"option": "status"}),
        ("ids", "{infras}/mix/{groups}", {}),
        ("ids", "{infras}/mix/{groups}/g1", {}),
        ("vnets", "/ns/default/resources/vNet", {}),
        ("vnet", f"/ns/default/resources/vNet/{SHARED}", {}),
        ("ssh_keys", "/ns/default/resources/sshKey", {}),
        ("ssh_key", f"/ns/default/resources/sshKey/{SHARED}", {}),
        ("message", "/ns/default/control/{infra}/mix", {"action": "reboot"}),
        ("message", "/ns/default/control/{infra}/mix/{node}/g1-1", {"action": "reboot"}),
    ],
)
def test_answer(era: str, bench: Bench, kind: str, path: str, query: dict[str, str]) -> None:
    words = {
        "infras": bench.infras,
        "infra": bench.era.infra,
        "node": bench.era.node,
        "groups": bench.era.group_path,
    }
    body = bench.body(path.format(**words), **query)

    schema = "infras" if kind == "infras_simple" else kind
    assert deviations(era, schema, body) == EXPECTED[era].get(kind, set())


def test_status_is_wrapped(era: str, bench: Bench) -> None:
    body = bench.body(bench.mix, option="status")

    assert list(body) == ["status"]
    assert deviations(era, "infra_status", body["status"]) == set()


def test_nodes_of_a_namespace() -> None:
    assert deviations("infra", "nodes", Bench(ERAS["infra"]).body("/ns/default/resources/node")) == {
        "osArchitecture"
    }


def test_access_information(era: str, bench: Bench) -> None:
    body = bench.body(bench.mix, option="accessinfo", accessInfoOption="showSshKey")

    assert all(key[0].isupper() for key in body)
    assert deviations(era, "access", uncapitalised(body)) == set()


def uncapitalised(value: object) -> object:
    if isinstance(value, list):
        return [uncapitalised(each) for each in value]
    if isinstance(value, dict):
        return {key[0].lower() + key[1:]: uncapitalised(each) for key, each in value.items()}
    return value


def test_bastions(era: str, bench: Bench) -> None:
    path = f"{bench.mix}/{bench.era.node}/g1-2/bastion"

    assert isinstance(bench.ask(f"{path}/g1-1", method="PUT").body, str)
    (bastion,) = bench.body(path)
    assert deviations(era, "bastion", bastion) == set()
    vnet = bench.body(f"/ns/default/resources/vNet/{SHARED}")
    assert deviations(era, "vnet", vnet) == EXPECTED[era].get("vnet", set())
    assert isinstance(bench.ask(f"{bench.mix}/bastion/g1-1", method="DELETE").body, str)
    assert bench.body(path) == []


def test_made_and_grown_infras(era: str, bench: Bench) -> None:
    made = bench.post(
        f"/ns/default/{bench.era.dynamic}", new_infra(bench.era, "web", new_group(bench.era, "g1", 2))
    )
    grown = bench.post(f"{bench.infras}/web/{bench.era.add_group_path}", new_group(bench.era, "g2", 1))

    assert deviations(era, "infra", made) == EXPECTED[era]["infra"]
    assert deviations(era, "infra", grown) == EXPECTED[era]["infra"]


def test_infras_with_failed_machines(era: str) -> None:
    bench = Bench(ERAS[era], capacity={"aws-ap-northeast-2": 1})
    made = bench.post(
        f"/ns/default/{bench.era.dynamic}", new_infra(bench.era, "web", new_group(bench.era, "g1", 2))
    )

    assert deviations(era, "infra", made) == EXPECTED[era]["infra"]
    status = bench.body(f"{bench.infras}/web", option="status")["status"]
    assert deviations(era, "infra_status", status) == set()


def test_deletions(era: str, bench: Bench) -> None:
    bench.transition_s = 0
    machine = bench.ask(f"{bench.mix}/{bench.era.node}/g1-1", method="DELETE", option="force")
    infra = bench.ask(bench.mix, method="DELETE", option="force")

    assert deviations(era, "message", machine.body) == set()
    assert deviations(era, "ids", infra.body) == set()


def test_specs_and_images(era: str, bench: Bench) -> None:
    system = f"/ns/{bench.era.system_namespace}/resources"
    keys = machine_keys(bench.era)
    search = {"osType": "debian"} if bench.era.numeric else {"keywords": ["debian"]}

    for spec in bench.post(bench.era.recommend_path, {}):
        assert deviations(era, "spec", spec) == set()
    for kind, body in (
        ("spec", bench.body(f"{system}/spec/{keys.spec}")),
        ("specs", bench.post(f"{system}/filterSpecsByRange", {})),
        ("image", bench.body(f"{system}/image/{keys.image}")),
        *(("image", each) for each in bench.body(f"{system}/image")["image"]),
        ("found_images", bench.post(f"{system}/searchImage", search)),
    ):
        assert deviations(era, kind, body) == EXPECTED[era].get(kind, set()), kind


def test_command_results(era: str, bench: Bench) -> None:
    body = bench.post(f"/ns/default/cmd/{bench.era.infra}/mix", {"command": ["fail"]})

    assert deviations(era, "command", body) == set()


@pytest.mark.parametrize("era", ["mci", "infra"])
def test_labels(era: str) -> None:
    bench = Bench(ERAS[era])
    path = f"/label/{bench.era.infra}/{bench.body(bench.mix)['uid']}"

    assert deviations(era, "labels", bench.body(path)) == set()
    for answer in (
        bench.ask(path, method="PUT", send={"labels": {"a": "b"}}),
        bench.ask(f"{path}/a", method="DELETE"),
    ):
        assert deviations(era, "message", answer.body) == set()


def test_reviews(era: str, bench: Bench) -> None:
    keys, group = machine_keys(bench.era), new_group(bench.era, "g1", 1)
    checked = bench.post(f"/{bench.era.dynamic}CheckRequest", {bench.era.spec_key: [keys.spec, "x"]})

    assert deviations(era, "check", checked) == EXPECTED[era].get("image", set())
    if era == "infra":
        review = bench.post("/ns/default/infraDynamicReview", new_infra(bench.era, "web", group))
        assert deviations(era, "review", review) == set()


def test_namespaces(era: str, bench: Bench) -> None:
    assert deviations(era, "namespace", bench.post("/ns", {"name": "new"})) == set()
    assert deviations(era, "message", bench.ask("/ns/new", method="DELETE").body) == set()


def test_machine_with_a_history() -> None:
    bench = Bench(ERAS["infra"])
    bench.post("/ns/default/cmd/infra/mix", {"command": ["x"]})

    found = deviations("infra", "machine", bench.body(f"{bench.mix}/node/g1-1"))
    assert found == {"osArchitecture", "commandState"}


def test_tracked_requests(era: str, bench: Bench) -> None:
    answer = bench.ask(f"/ns/default/cmd/{bench.era.infra}/mix", method="POST", send={"command": ["x"]})
    body = bench.body(f"/request/{answer.headers['X-Request-Id']}")

    assert deviations(era, "request", body) == set()
    assert deviations(era, "message", bench.ask("/requests", method="DELETE").body) == set()


def test_errors_are_messages(era: str, bench: Bench) -> None:
    answer = bench.ask("/ns/none")

    assert answer.status == 404
    assert deviations(era, "message", answer.body) == set()


def test_served_document_lists_the_published_paths(era: str, bench: Bench) -> None:
    """Each of our routes is a path of the published document, up to the names of its parameters."""
    published = json.loads((DOCUMENTS / f"swagger-{bench.era.tag}.json").read_text())["paths"]
    served = bench.body(bench.era.doc_path)

    assert served["swagger"] == "2.0"
    missing = {shape(path) for path in served["paths"]} - {shape(path) for path in published}
    assert missing == {bench.era.doc_path}


def shape(path: str) -> str:
    return "/".join("{}" if part.startswith("{") else part for part in path.split("/"))
