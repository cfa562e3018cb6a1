# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Commands on machines, where they run, host keys and labels."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import pytest

from lab.tumblebug.answers import Refused
from lab.tumblebug.cloud import CloudError, Ran
from lab.tumblebug.era import ERAS, INFRA, MCI, MCIS, Era
from lab.tumblebug.labels import selector
from lab.tumblebug.sandbox import Sandbox
from tests.unit.lab.tumblebug.tumblebug_bench import Bench, new_group, new_infra

ALL = pytest.mark.parametrize("era", ERAS.values(), ids=ERAS)
HAVE_LABELS = pytest.mark.parametrize("era", [MCI, INFRA], ids=["mci", "infra"])
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can run commands as nobody")


def command(bench: Bench, *commands: str, user: str = "cb-user", **query: str) -> list[dict]:
    path = f"/ns/default/cmd/{bench.era.infra}/mix"
    return bench.post(path, {"userName": user, "command": list(commands)}, **query)["results"]


@ALL
def test_every_machine_has_a_result(era: Era) -> None:
    results = command(Bench(era), "hostname", "echo $0")

    assert [each[f"{era.node}Id"] for each in results] == ["g1-1", "g1-2", "g2-1"]
    first = results[0]
    assert first["command"] == {"0": "hostname", "1": "echo $0"}
    assert first["stdout"] == {"0": "i-g1-1 ran hostname\n", "1": "i-g1-1 ran echo $0\n"}
    assert first["stderr"] == {"0": "", "1": ""}
    assert first[f"{era.node}Ip"] == "198.51.100.10"


def test_newer_tags_keep_a_history_of_each_machine() -> None:
    bench = Bench(INFRA)
    assert "commandStatus" not in bench.body(f"{bench.mix}/node/g1-1")
    command(bench, "hostname")
    command(bench, "fail")
    history = bench.body(f"{bench.mix}/node/g1-1")["commandStatus"]

    assert [(each["index"], each["status"]) for each in history] == [(1, "Completed"), (2, "Failed")]
    assert history[0]["stdout"] == "i-g1-1 ran hostname\n"
    command(Bench(MCI), "hostname")
    assert "commandStatus" not in Bench(MCI).body(f"{Bench(MCI).mix}/vm/g1-1")


@ALL
def test_selection(era: Era) -> None:
    bench = Bench(era)
    ids = [each[f"{era.node}Id"] for each in command(bench, "x", **{era.group_key: "g1"})]
    one = [each[f"{era.node}Id"] for each in command(bench, "x", **{f"{era.node}Id": "g2-1"})]

    assert (ids, one) == (["g1-1", "g1-2"], ["g2-1"])
    path = f"/ns/default/cmd/{era.infra}/mix"
    answer = bench.ask(path, method="POST", send={"command": ["x"]}, **{era.group_key: "g7"})
    assert (answer.status, answer.body["message"][:14]) == (era.client_error_code, "there is no g7")


def test_selection_by_label() -> None:
    bench = Bench(INFRA)

    assert [each["nodeId"] for each in command(bench, "x", labelSelector="tier=web")] == ["g1-1"]
    answer = bench.ask(
        "/ns/default/cmd/infra/mix", method="POST", send={"command": ["x"]}, labelSelector="tier=db"
    )
    assert (answer.status, "no Nodes matched" in answer.body["message"]) == (400, True)


@pytest.mark.parametrize(
    ("era", "error"),
    [(MCIS, {"err": None}), (MCI, {"err": None}), (INFRA, {"error": "Process exited with status 3"})],
)
def test_a_command_that_fails_ends_the_row(era: Era, error: dict) -> None:
    result = command(Bench(era), "fail", "never", **{f"{era.node}Id": "g1-1"})[0]

    assert result["stderr"] == {"0": "(Process exited with status 3)\nStderr: broken\n"}
    assert result["stdout"] == {"0": "half\n"}
    assert result.items() >= error.items()


@ALL
def test_unknown_user_and_unreachable_machine(era: Era) -> None:
    bench = Bench(era)
    bench.body(f"/ns/default/control/{era.infra}/mix/{era.node}/g1-1", action="suspend")
    bench.clock.now_s += bench.transition_s
    (stranger,) = command(bench, "x", user="ubuntu", **{f"{era.node}Id": "g1-2"})
    suspended = command(bench, "x")[0]
    (missing,) = command(bench, "x", **{f"{era.node}Id": "g9-1"})

    for result, words in (
        (stranger, "user 'ubuntu' exists on target"),
        (suspended, "i/o timeout"),
        (missing, "g9-1"),
    ):
        assert result["stdout"] == {}
        if era.numeric:
            assert words in result["error"]
        else:
            assert result["err"] == {}


@ALL
def test_refusals(era: Era) -> None:
    bench = Bench(era)
    path = f"/ns/default/cmd/{era.infra}"
    empty = bench.ask(f"{path}/mix", method="POST", send={"command": []})
    text = bench.ask(f"{path}/mix", method="POST", send={"command": "id"})
    missing = bench.ask(f"{path}/x", method="POST", send={"command": ["id"]})

    assert [each.status for each in (empty, text, missing)] == [era.client_error_code] * 3
    assert "'Command' failed on the 'required' tag" in empty.body["message"]
    assert "expected=slice, got=string" in text.body["message"]
    assert missing.body == {"message": f"The {era.infra} x does not exist."}


def test_host_key_is_noted_at_the_first_connection() -> None:
    bench = Bench(INFRA, transition_s=0)
    bench.post("/ns/default/infraDynamic", new_infra(INFRA, "web", new_group(INFRA, "g1", 1)))
    path = f"{bench.infras}/web/node/g1-1"
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ9yUuO0Nf7QmfrEXgtEGcX3nXvGuqjVgwkvgnl1Fsa9"
    resource = bench.body(path)["cspResourceId"]
    bench.cloud.learn_host_key(resource, key)

    assert "sshHostKeyInfo" not in bench.body(path)
    assert bench.ask(f"{path}/sshHostKey").status == 404
    bench.post("/ns/default/cmd/infra/web", {"command": ["x"]})
    info = bench.body(path)["sshHostKeyInfo"]
    assert f"{info['keyType']} {info['hostKey']}" == key
    assert info["fingerprint"].startswith("SHA256:")
    assert bench.body(f"{path}/sshHostKey") == info
    assert bench.ask(f"{path}/sshHostKey", method="DELETE").status == 200
    assert "sshHostKeyInfo" not in bench.body(path)


@HAVE_LABELS
def test_labels_are_merged_and_removed(era: Era) -> None:
    bench = Bench(era)
    machine = bench.body(f"{bench.mix}/{era.node}/g1-1")
    path = f"/label/{era.node}/{machine['uid']}"

    assert bench.ask(path, method="PUT", send={"labels": {"cladnet": "net1", "tier": "db"}}).status == 200
    found = bench.body(path)
    assert found["labels"].items() >= {"cladnet": "net1", "tier": "db", "sys.id": "g1-1"}.items()
    assert found["resourceKey"] == f"/ns/default/{era.infra}/mix/{era.node}/g1-1"
    assert bench.body(f"{bench.mix}/{era.node}/g1-1")["label"]["tier"] == "db"
    assert bench.body(bench.mix)[era.node][0]["label"]["cladnet"] == "net1"
    assert bench.ask(f"{path}/tier", method="DELETE").status == 200
    assert "tier" not in bench.body(path)["labels"]


@HAVE_LABELS
def test_labels_of_an_infra(era: Era) -> None:
    bench = Bench(era)
    path = f"/label/{era.infra}/{bench.body(bench.mix)['uid']}"

    assert bench.ask(path, method="PUT", send={"labels": {"owner": "me"}}).status == 200
    assert bench.body(bench.mix)["label"].items() >= {"owner": "me", "stage": "test"}.items()
    assert bench.ask(f"/label/{era.node}/tbnone").status == 400
    assert bench.ask(path, method="PUT", send={"labels": {"n": 1}}).status == 400


@HAVE_LABELS
def test_selection_over_all_namespaces(era: Era) -> None:
    bench = Bench(era)

    (found,) = bench.body(f"/resources/{era.node}", labelSelector="tier=web,sys.namespace=default")["results"]
    assert found["id"] == "g1-1"
    assert bench.body(f"/resources/{era.node}", labelSelector="tier=none") == {"results": None}
    assert bench.body(f"/resources/{era.node}") == {"results": None}
    assert len(bench.body(f"/resources/{era.infra}", labelSelector="stage=test")["results"]) == 1


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("a=1", True),
        ("a=2", False),
        ("a!=2", True),
        ("b!=2", False),  # the key must exist
        ("a exists", True),
        ("b exists", False),
        ("b !exists", True),
        ("a in (1)", True),
        ("a in (1,2)", False),  # the parser splits at commas first
        ("a notin (2)", True),
        ("a=1, c=3", True),
    ],
)
def test_selector(text: str, fits: bool) -> None:
    try:
        matches = selector(text)
    except Refused:
        assert not fits
        return
    assert matches is not None
    assert matches({"a": "1", "c": "3"}) is fits


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    sandbox = Sandbox({"uptime": Ran(0, "up 3 days\n")})
    yield sandbox
    sandbox.close()


def test_table_comes_first(sandbox: Sandbox) -> None:
    assert sandbox.run("m", "uptime", 5) == Ran(0, "up 3 days\n")


@as_root
def test_sandbox_runs_as_nobody_in_a_folder_of_each_machine(sandbox: Sandbox) -> None:
    assert sandbox.run("m1", "echo a >f; id -u; pwd", 5).stdout.startswith("65534\n")
    assert sandbox.run("m1", "cat f", 5).stdout == "a\n"
    assert sandbox.run("m2", "cat f", 5).exit_status == 1
    assert sandbox.run("m1", "echo no >&2; exit 4", 5) == Ran(4, "", "no\n")


@as_root
@pytest.mark.parametrize(
    "attack",
    [
        "touch /etc/mark",
        "kill -9 1 && false",
        "cat /etc/shadow",
        "ip link | grep -q ' UP '",
        "head -c 9000000 /dev/zero >big",
    ],
)
def test_sandbox_holds(sandbox: Sandbox, attack: str) -> None:
    assert sandbox.run("m1", f"({attack})", 10).exit_status != 0


@as_root
def test_sandbox_ends_what_takes_too_long(sandbox: Sandbox) -> None:
    began_s = time.monotonic()
    with pytest.raises(CloudError, match="deadline exceeded"):
        sandbox.run("m1", "(setsid sleep 100 &) ; sleep 100", 0.5)
    assert time.monotonic() - began_s < 5
