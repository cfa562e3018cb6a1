# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Where our processes spend their time during a work, sampled from outside by py-spy."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.datapath.hosts import BenchError, run
from bench.datapath.measuring import cabling, running
from bench.datapath.overlay import Kind, Overlay, System
from bench.datapath.software import ROOT
from bench.datapath.works import Work, figures_text

FOLDER = ROOT / "build" / "bench" / "profile"
_SAMPLER = ROOT / "build" / "bench" / "py-spy"
_SAMPLES_PER_S = "500"
_LINES = 25
_FRAME = re.compile(r"(.*) \((.*):(\d+)\)$")


@dataclass(frozen=True)
class Sample:
    """A stack and how often it was seen; the last frame is where the processor was."""

    frames: tuple[str, ...]
    count: int


def install_sampler() -> None:
    """Installs py-spy, apart from everything else. Raises BenchError."""
    if not (_SAMPLER / "bin" / "py-spy").exists():
        run(sys.executable, "-m", "pip", "install", "--quiet", "--target", str(_SAMPLER), "py-spy")


def profiles(works: Iterable[Work], systems: Sequence[System], seconds: float) -> Iterator[str]:
    """A text for each work and each system of ours that does it."""
    install_sampler()
    for work in works:
        ours = [system for system in systems if system.kind is Kind.OURS and work.concerns(system)]
        with running(ours, cabling(work)) as overlays:
            for system, overlay in overlays.items():
                work.prepare(overlay)
                yield profile(work, system.name, overlay, seconds)


def profile(work: Work, name: str, overlay: Overlay, seconds: float) -> str:
    """Runs a work once with samplers beside both hosts; gives a text for people and keeps the stacks."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    files = [FOLDER / f"{name}-{work.name}-{work.setup.name}-{end}.txt" for end in ("sends", "receives")]
    with _sampling(files[0], overlay.pids[0][0], seconds), _sampling(files[1], overlay.pids[1][0], seconds):
        figures = work.measure(overlay, seconds)
    parts = [f"{name}, {work.name}, {work.setup.name}: {figures_text(figures)} (with samplers)"]
    for file in files:
        if not file.exists():
            raise BenchError(f"py-spy wrote no {file.name}")
        parts.append(f"{file.stem} ({file})\n{report(list(samples(file.read_text())))}")
    return "\n\n".join(parts)


def _sampling(file: Path, pid: int, seconds: float) -> subprocess.Popen[bytes]:
    command = [
        str(_SAMPLER / "bin" / "py-spy"),
        "record",
        "--nonblocking",
        "--subprocesses",
        "--pid",
        str(pid),
    ]
    command += ["--duration", f"{seconds:.0f}", "--rate", _SAMPLES_PER_S, "--format", "raw"]
    return subprocess.Popen([*command, "--output", str(file)], stdout=subprocess.DEVNULL)


def samples(text: str) -> Iterator[Sample]:
    """Reads py-spy's raw format: frames with semicolons, a space, and a count in each line."""
    for line in text.splitlines():
        stack, _space, count = line.rpartition(" ")
        yield Sample(tuple(stack.split(";")), int(count))


def report(seen: Iterable[Sample]) -> str:
    """Functions and lines in which the processor was most often, in percent."""
    functions, lines = Counter[str](), Counter[str]()
    for sample in seen:
        found = _FRAME.match(sample.frames[-1])
        function, file, number = found.groups() if found else (sample.frames[-1], "", "")
        functions[f"{function} ({Path(file).name})"] += sample.count
        lines[f"{Path(file).name}:{number}"] += sample.count
    total = functions.total() or 1
    texts = [
        f"{count * 100 / total:5.1f}%  {name}"
        for counter in (functions, lines)
        for name, count in counter.most_common(_LINES)
    ]
    return "\n".join(texts)
