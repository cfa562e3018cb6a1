# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""``python -m lab.demo``: the main job on simulated clouds, from nothing to the ping matrix."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Sequence

from lab import cli, image
from lab.demo import result
from lab.demo.job import Job
from lab.demo.playbook import Run
from lab.demo.progress import Progress
from lab.errors import LabError
from lab.folders import ROOT
from lab.lab import HostState, Lab

FOLDER = ROOT / "build" / "demo"
STEPS = 6
CONTROL_ACTIONS = ("suspend", "resume", "reboot")
LAB_COMMANDS = ("ssh", "exec", "kill", "start", "restart", "partition", "heal", "loss", "eip", "readdress")
USAGE = """\
usage: scripts/demo [COMMAND]

  (none)        build the clouds and run the job on them; on a running lab, run the job again
  status        hosts, clouds, addresses, the simulator
  down          remove all of it
  clean         remove all of it, and what is kept to be faster next time
  play NAME     run a playbook of the collection, such as status or uninstall
and what can happen to the clouds:
  ssh HOST [-- CMD]        exec HOST -- CMD      (a console that works without network)
  suspend|resume|reboot HOST   (through CB-Tumblebug)
  kill|start|restart HOST      (without its knowledge)
  partition A [B ...]      heal      loss PERCENT
  eip HOST [ADDRESS]       readdress HOST CIDR
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit status."""
    command, *rest = (sys.argv[1:] if argv is None else argv) or ["up"]
    try:
        return _command(command)(rest)
    except LabError as exc:
        print(f"demo: {exc}", file=sys.stderr)
    except KeyboardInterrupt:
        print("demo: interrupted; scripts/demo goes on, scripts/demo down removes all", file=sys.stderr)
    return 1


def _command(name: str) -> Callable[[Sequence[str]], int]:
    own = {"up": _up, "status": _status, "down": _down, "clean": _clean, "play": _play}
    if name in ("-h", "--help", "help"):
        return _help
    if name in CONTROL_ACTIONS:
        return lambda rest: _control(name, rest)
    if name in LAB_COMMANDS:
        return lambda rest: cli.main([name, *rest])
    if name not in own:
        raise LabError(f"knows no command '{name}'; scripts/demo help lists them")
    return own[name]


def _help(_rest: Sequence[str]) -> int:
    print(USAGE)
    return 0


def _up(_rest: Sequence[str]) -> int:
    progress = Progress(STEPS, done=1)
    lab = Lab.load("demo", progress=progress.detail)
    rerun = lab.is_up
    with progress.step("image of the hosts"):
        image.ensure()
    with progress.step(f"{len(lab.topology.clouds)} clouds with {len(lab.topology.hosts)} systemd hosts"):
        if not rerun:
            lab.up()
    job = Job(lab, FOLDER)
    with progress.step("CB-Tumblebug simulator, and the archive of the collection"):
        job.prepare()
        job.install_collection()
    with progress.step("ansible-playbook -i lab.tumblebug.yml cloud_barista.cladnet.site"):
        run = job.play("site", tell=progress.detail)
    with progress.step("result"):
        status = _show(job, run)
    print(_last_line(job), flush=True)
    return status


def _show(job: Job, run: Run) -> int:
    report = job.report()
    reachable, wanted = result.pairs(report, _running(job.lab))
    for recap in run.recaps:
        print(f"  {recap}")
    print("\nWho reaches whom over the network, round trips in ms:")
    for line in (*result.matrix(report), "", *result.addresses(report)):
        print(f"  {line}")
    print(f"\nAddress space {report['cidr']}. {report['description']}")
    print(_NEXT.format(host=next(iter(job.lab.hosts)), log=job.log, page=job.report_page))
    return 0 if reachable == wanted else 1


_NEXT = """
Next:
  scripts/demo status            hosts, clouds and addresses
  scripts/demo ssh {host}     log in; then: sudo cladnet status
  scripts/demo suspend {host} stop a VM; resume brings it back with another public IP
  scripts/demo                   run the job again: it changes nothing
  scripts/demo down              remove all of it
  {page}
                                 all of the result, for a browser
  {log}
                                 what ansible-playbook said
"""


def _last_line(job: Job) -> str:
    report = job.report()
    hosts = _running(job.lab)
    return result.closing_line(len(hosts), *result.pairs(report, hosts), report["cidr"])


def _running(lab: Lab) -> list[str]:
    return [name for name, status in lab.hosts.items() if status.state is HostState.RUNNING]


def _control(action: str, rest: Sequence[str]) -> int:
    """Goes the way of an operator, through CB-Tumblebug, which then knows the new address."""
    if len(rest) != 1:
        raise LabError(f"{action} wants the name of one host")
    lab = Lab.load("demo")
    host = lab.topology.host(rest[0]).name
    Job(lab, FOLDER).simulator.control(host, action)
    status = lab.hosts[host]
    print(f"{host} is {status.state.value}, public address {status.public_ip or 'none'}")
    return 0


def _play(rest: Sequence[str]) -> int:
    if len(rest) != 1:
        raise LabError("play wants the name of one playbook: site, status, upgrade, recover or uninstall")
    lab = Lab.load("demo")
    job = Job(lab, FOLDER)
    job.prepare()
    job.install_collection()
    run = job.play(rest[0], tell=lambda heading: print(f"  {heading}", file=sys.stderr))
    for recap in run.recaps:
        print(recap)
    return 0


def _status(_rest: Sequence[str]) -> int:
    lab = Lab.load("demo")
    if not lab.is_up:
        print("The demo is not up; scripts/demo brings it up.")
        return 0
    cli.main(["status"])
    job = Job(lab, FOLDER)
    running = "runs" if job.simulator.pid() else "does not run; scripts/demo starts it again"
    print(f"\nCB-Tumblebug simulator: {job.simulator.url} {running}")
    if job.report_file.exists():
        print(f"As of the last playbook: {_last_line(job)}")
    return 0


def _down(_rest: Sequence[str]) -> int:
    lab = Lab.load("demo")
    lab.down()
    Job(lab, FOLDER).remove()
    return 0


def _clean(rest: Sequence[str]) -> int:
    _down(rest)
    shutil.rmtree(ROOT / "build", ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
