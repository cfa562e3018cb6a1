# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Brings all systems up in a setup and lets them do their works in turn."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.datapath.hosts import BenchError, Setup, eventually, pair_of_hosts
from bench.datapath.noise import Noise
from bench.datapath.overlay import Overlay, System
from bench.datapath.saying import say
from bench.datapath.works import Figures, Work, figures_text
from bench.rounds import in_turns
from bench.rows import Row

_UP_DEADLINE_S = 20.0
_NOISY_CPUS = 0.1


@dataclass
class Measuring:
    """The measurements of one run.

    Args:
        rounds: how often every system does a work.
        seconds: how long it does it.
    """

    rounds: int
    seconds: float

    def rows(self, works: Sequence[Work], systems: Sequence[System]) -> Iterator[Row]:
        """All rows, setup by setup."""
        for setup in dict.fromkeys(cabling(work) for work in works):
            here = [work for work in works if cabling(work) == setup]
            wanted = [system for system in systems if any(work.concerns(system) for work in here)]
            with running(wanted, setup) as overlays:
                for work in here:
                    yield from self._done(work, overlays)

    def _done(self, work: Work, overlays: dict[System, Overlay]) -> Iterator[Row]:
        say(f"{work.name}, {work.setup.name}")
        concerned = {system: overlay for system, overlay in overlays.items() if work.concerns(system)}
        for overlay in concerned.values():
            work.prepare(overlay)
        noise = Noise()
        results = in_turns(
            {system.name: self._run(work, system, overlay) for system, overlay in concerned.items()},
            self.rounds,
        )
        if noise.cpus() > _NOISY_CPUS:
            say(f"others kept {noise.cpus():.1f} processors busy meanwhile: the figures are worth less")
        for name, runs in results.items():
            yield from _rows_of(work, name, [figures for figures in runs if figures])

    def _run(self, work: Work, system: System, overlay: Overlay) -> Callable[[], Figures]:
        def run() -> Figures:
            try:
                figures = work.measure(overlay, self.seconds)
            except BenchError as exc:
                say(f"  {system.name}: {exc}")
                return {}
            say(f"  {system.name}: {figures_text(figures)}")
            return figures

        return run


def cabling(work: Work) -> tuple[int, bool]:
    """What makes two works need other hosts."""
    return work.setup.mtu, work.setup.wire


def _rows_of(work: Work, system: str, runs: Sequence[Figures]) -> Iterator[Row]:
    for unit in runs[0] if runs else ():
        yield Row.of(work.name, work.setup.name, system, [figures[unit] for figures in runs], unit)


@contextmanager
def running(systems: Sequence[System], cabling: tuple[int, bool]) -> Iterator[dict[System, Overlay]]:
    """All systems that can be started, each between hosts of its own, gone afterwards."""
    setup = Setup("", mtu=cabling[0], wire=cabling[1])
    overlays: dict[System, Overlay] = {}
    with ExitStack() as stack:
        for system in systems:
            try:
                overlays[system] = _started(system, setup, stack)
            except BenchError as exc:
                say(f"{system.name} cannot be started: {exc}")
        yield overlays


def _started(system: System, setup: Setup, stack: ExitStack) -> Overlay:
    """Brings a system up; what it left behind is removed at once if that fails."""
    with ExitStack() as own:
        folder = Path(own.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        pair = own.enter_context(pair_of_hosts(_short(system.name), setup))
        overlay = system.start(pair, folder)
        try:
            eventually("the hosts reach each other", lambda: pair.first.pings(overlay.target), _UP_DEADLINE_S)
        except BenchError as exc:
            raise BenchError(f"{exc}; {_complaints(folder)}") from exc
        stack.push(own.pop_all())
    return overlay


def _short(name: str) -> str:
    """A name for namespaces."""
    return name.replace("wireguard-go", "wg")


def _complaints(folder: Path) -> str:
    """The ends of the logs."""
    return " ".join(log.read_text(errors="replace")[-300:] for log in sorted(folder.glob("*.log")))
