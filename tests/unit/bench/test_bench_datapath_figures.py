# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What the measurements of the data path compute: rates, figures of others' programs, bars and the plot."""

from __future__ import annotations

import json
import os
from itertools import islice
from xml.etree.ElementTree import fromstring

import pytest

from bench.datapath import flows, main, many_peers, profiling
from bench.datapath.bars import BARS, Bar, Figure, bars_table, verdicts
from bench.datapath.hosts import BenchError
from bench.datapath.iperf import Datagrams, parse_tcp, parse_udp
from bench.datapath.overview import overview
from bench.datapath.plot import svg
from bench.datapath.processes import alone_bytes, cpu_s, pss_bytes
from bench.datapath.rate_search import MAX_LOSS, confirmed, greatest_rate
from bench.datapath.software import older_versions
from bench.datapath.systems import SYSTEMS
from bench.datapath.works import P50_US, P99_US, all_works, round_trips
from bench.rows import Row

GENERATOR_LIMIT = 300_000.0


def carried(capacity: float, rate: float) -> Datagrams:
    """What a system that carries so many packets per second makes of a rate, in a second."""
    sent = min(rate, GENERATOR_LIMIT)
    return Datagrams(sent, min(sent, capacity), 1.0)


@pytest.mark.parametrize("capacity", [700.0, 29_000.0, 31_000.0, 151_000.0])
@pytest.mark.parametrize(("start", "step"), [(30_000.0, 1.6), (100_000.0, 1.06)])
def test_the_greatest_rate_is_found(capacity: float, start: float, step: float) -> None:
    trials: list[float] = []

    def measure(rate: float) -> Datagrams:
        trials.append(rate)
        return carried(capacity, rate)

    found = greatest_rate(measure, start, step)
    if step > 1.5:
        assert 0.95 * capacity <= found <= capacity / (1 - MAX_LOSS) * 1.001
    assert len(trials) <= 14


def test_the_search_ends_at_what_can_be_sent() -> None:
    assert greatest_rate(lambda rate: carried(1e9, rate), 30_000, 1.6) >= GENERATOR_LIMIT


def test_a_rate_that_fails_for_longer_is_lowered() -> None:
    result = confirmed(lambda rate: carried(80_000, rate), 100_000)
    assert result is not None
    assert result.loss <= MAX_LOSS
    assert 0.9 * 80_000 <= result.received_per_s <= 80_000


def test_a_system_that_always_loses_has_no_rate() -> None:
    assert greatest_rate(lambda rate: Datagrams(rate, 0, 1.0), 30_000, 1.6) == 0
    assert confirmed(lambda rate: Datagrams(rate, 0, 1.0), 30_000) is None


def test_nothing_sent_is_all_lost() -> None:
    assert Datagrams(0, 0, 1.0).loss == 1


def test_tcp_counts_what_arrived() -> None:
    received = {"bytes": 5e8, "bits_per_second": 4e9}
    streams = parse_tcp(json.dumps({"end": {"sum_sent": {"bytes": 6e8}, "sum_received": received}}))
    assert (streams.received_bytes, streams.bits_per_s) == (5e8, 4e9)


def test_udp_counts_bytes_that_arrived_not_numbers_that_were_seen() -> None:
    sent = {"bytes": 64_000, "packets": 1000, "seconds": 2.0}
    received = {"bytes": 57_600, "packets": 990, "lost_packets": 0}
    datagrams = parse_udp(json.dumps({"end": {"sum_sent": sent, "sum_received": received}}))
    assert datagrams == Datagrams(1000, 900, 2.0)
    assert datagrams.loss == pytest.approx(0.1)
    assert datagrams.received_per_s == 450


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "iperf3 says ''"),
        ('{"error": "unable to connect"}', "unable to connect"),
        ('{"end": {}}', "interrupted"),
    ],
)
def test_iperf_that_fails_is_no_measurement(text: str, complaint: str) -> None:
    with pytest.raises(BenchError, match=complaint):
        parse_tcp(text)


def test_round_trips_leave_out_the_first() -> None:
    text = "\n".join(
        f"64 bytes: icmp_seq={number} time={time} ms" for number, time in enumerate([9, 0.2, 0.4])
    )
    figures = round_trips(text)
    assert figures == pytest.approx({P50_US: 300, P99_US: 400})


def test_no_reply_is_no_measurement() -> None:
    with pytest.raises(BenchError, match="no echo request"):
        round_trips("3 packets transmitted, 0 received")


def test_flows_come_in_turn_and_each_has_all_sizes() -> None:
    packets = list(islice(flows.schedule(64), 64 * len(flows.SIZES_BYTES)))
    assert [flow for flow, _size in packets[:65]] == [*range(64), 0]
    for wanted in (0, 5, 63):
        assert sorted(size for flow, size in packets if flow == wanted) == sorted(flows.SIZES_BYTES)


def test_runs_are_of_one_flow_and_size() -> None:
    packets = list(islice(flows.schedule(2, run=4), 8))
    assert [flow for flow, _size in packets] == [0, 0, 0, 0, 1, 1, 1, 1]
    assert len({size for flow, size in packets if flow == 0}) == 1


def test_older_versions_are_tried_from_the_newest_on() -> None:
    assert older_versions("example.org/m v1.0.0 v1.1.0 v1.2.0\n") == ["v1.1.0", "v1.0.0"]


def test_profile_names_where_the_processor_was() -> None:
    text = "main (a.py:1);seal (pkg/session.py:9) 30\nmain (a.py:1);read (tun.py:5) 10\n"
    report = profiling.report(profiling.samples(text)).splitlines()
    assert report[0] == " 75.0%  seal (session.py)"
    assert " 25.0%  tun.py:5" in report


def row(system: str, value: float, work: str = "w", unit: str = "Gbit/s") -> Row:
    return Row.of(work, "veth", system, [value], unit)


FIGURE = Figure("w", "veth", "Gbit/s")


@pytest.mark.parametrize(
    ("goal", "word", "ratio"),
    [
        (Bar("", FIGURE, "ours", 2.0, ("a", "b")), "met", 2.5),
        (Bar("", FIGURE, "ours", 2.6, ("a", "b")), "MISSED", 2.5),
        (Bar("", FIGURE, "ours", 2.0, ("a", "b"), min, at_most=True), "MISSED", 5.0),
        (Bar("", FIGURE, "ours", 5.0, at_most=True), "met", 5.0),
        (Bar("", FIGURE, "ours", 1.0, ("unknown",)), "not measured", None),
        (Bar("", FIGURE, "unknown", 1.0), "not measured", None),
    ],
)
def test_verdicts(goal: Bar, word: str, ratio: float | None) -> None:
    rows = [row("ours", 5.0), row("a", 1.0), row("b", 2.0), row("ours", 9.0, work="other")]
    (verdict,) = verdicts(rows, [goal])
    assert (verdict.word, verdict.ratio) == (word, ratio)


def test_table_of_bars_says_with_whom_and_without_whom() -> None:
    goal = Bar("fast", FIGURE, "ours", 2.0, ("a", "b"))
    text = bars_table(verdicts([row("ours", 5.0), row("a", 2.0)], [goal]))
    assert text.splitlines()[-1] == "| fast | 5.00 | 2.00 | a (without b) | >= 2x | 2.50x | met |"


def test_every_bar_is_about_something_that_is_measured() -> None:
    """A name that is written in two ways would never be measured, and nobody would see it."""
    works = {(work.name, work.setup.name) for work in all_works()}
    names = {system.name: system for system in SYSTEMS}
    alone = {(goal.figure.work, goal.system) for goal in BARS} - {
        (b.figure.work, s) for b in BARS for s in names
    }
    assert alone == {("agent-memory", "agent"), (many_peers.WORK, "1000 peers")}
    for goal in BARS:
        if goal.figure.work not in main.OURS_ALONE:
            assert (goal.figure.work, goal.figure.setup) in works, goal
            assert {goal.system, *goal.others} <= set(names), goal


def test_systems_and_works_have_names_of_their_own() -> None:
    assert len({system.name for system in SYSTEMS}) == len(SYSTEMS)
    works = [(work.name, work.setup.name) for work in all_works()]
    assert len(set(works)) == len(works)


def test_overview_has_a_line_for_each_system_and_a_column_for_each_figure() -> None:
    rows = [
        row("ours", 3.0, "tcp-1"),
        Row.of("tcp-1", "veth", "ours", [1.0, 2.0, 4.0], "CPU s/GB"),
        row("theirs", 1.0, "tcp-1"),
        row("ours", 0.5, "tcp-1-loss-1-bbr"),
        row("ours", 151_000.0, "udp-small", "packets/s"),
    ]
    text = overview(rows)
    assert "| | tcp-1, veth, Gbit/s | tcp-1, veth, CPU s/GB |" in text
    assert "| ours | 3.00 | 2.00 (1.00 to 4.00) |" in text
    assert "| theirs | 1.00 |  |" in text
    assert "| | tcp-1-loss-1-bbr, veth, Gbit/s |" in text
    assert "| ours | 151,000 |" in text


def test_plot_shows_every_figure_and_cuts_off_the_limit() -> None:
    rows = [row("veth", 30.0), row("ours", 3.0), row("a <b>", 1.5)]
    root = fromstring(svg(rows, "title", "a subtitle", limits={"veth"}))  # noqa: S314
    name = "{http://www.w3.org/2000/svg}"
    texts = [text.text for text in root.iter(f"{name}text")]
    assert {"title", "a subtitle", "w, veth: Gbit/s", "ours", "a <b>", "3", "1.5"} <= set(texts)
    widths = [float(rect.get("width", "")) for rect in root.iter(f"{name}rect") if rect.get("x")]
    assert widths[0] == widths[1] == 2 * widths[2]


def test_plot_of_nothing_is_a_picture() -> None:
    assert fromstring(svg([], "title", "")).tag.endswith("svg")  # noqa: S314


def test_processes_are_weighed() -> None:
    own = [os.getpid()]
    before_s = cpu_s(own)
    while cpu_s(own) < before_s + 0.01:
        pass
    assert 0 < pss_bytes(own) <= alone_bytes(own) * 1.05


@pytest.mark.parametrize("argv", [["--only", "nothing"], ["--systems", "ours-aes,x"], ["--seconds", "0"]])
def test_wrong_options_are_refused(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main.arguments(argv)
    assert "error: " in capsys.readouterr().err


def test_a_quick_run_is_one_round_of_a_second() -> None:
    options = main.arguments(["--quick", "--only", "tcp-1,ping", "--setups", "veth"])
    assert (options.rounds, options.seconds) == (1, 1.0)
    assert [work.name for work in main.chosen_works(options)] == ["tcp-1", "ping"]
