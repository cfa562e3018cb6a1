# Copyright (c) 2026 Cloud-Barista
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection
"""The report as an HTML page that needs nothing else. Every text goes through ``element``, which escapes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from typing import Any

Document = Mapping[str, Any]


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


_MOST_HOSTS_IN_MATRIX = 60
_STYLE = """
:root { color-scheme: light dark; --line: #8884; --faint: #888;
        --good: #2a7d4f; --bad: #c0392b; --warn: #b7791f; }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 76rem; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin: 0; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { border-bottom: 1px solid var(--line); padding: .25rem .7rem; text-align: left; vertical-align: top; }
thead th { font-weight: 600; } td.number { text-align: right; } .faint { color: var(--faint); }
.good { color: var(--good); } .bad { color: var(--bad); font-weight: 600; } .warn { color: var(--warn); }
.verdict { font-size: 1.1rem; margin: .3rem 0; }
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def report_page(report: Document) -> str:
    """The page.

    Args:
        report: of ``network_report``.
    """
    title = f"CLADNet {report['network']}"
    head = [
        Markup('<meta charset="utf-8">'),
        Markup('<meta name="viewport" content="width=device-width, initial-scale=1">'),
        Markup(f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'),
        element("title", title),
        Markup(f"<style>{_STYLE}</style>"),
    ]
    body = [
        element("h1", title),
        *_verdict(report),
        *_section("What to do", _findings(report)),
        *_section("Who reaches whom, round trips in ms", _matrix(report)),
        *_section("Hosts", _hosts(report)),
        *_section("Ways", _ways(report)),
        *_section("Controllers", _controllers(report)),
        *_section("Versions", _versions(report)),
    ]
    page = [element("head", *head), element("body", *body)]
    return "<!DOCTYPE html>\n" + Markup('<html lang="en">') + "\n".join(page) + "</html>\n"


def element(name: str, *content: object, css: str = "") -> Markup:
    """An element; content that is not Markup is escaped. None shows as a dash."""
    inner = "".join(
        each if isinstance(each, Markup) else escape("-" if each in (None, "") else str(each))
        for each in content
    )
    attribute = f' class="{escape(css)}"' if css else ""
    return Markup(f"<{name}{attribute}>{inner}</{name}>")


def _verdict(report: Document) -> Iterator[Markup]:
    summary = report["summary"]
    yield element(
        "p",
        f"{report['cidr']} · {summary['answered']} of {summary['hosts']} hosts answered · {report['time']}",
        css="faint",
    )
    pairs = f"{report['reachable']} of {report['pairs']} pairs reach each other"
    yield element("p", f"{pairs}. {_count(summary)}", css="verdict " + ("good" if report["ok"] else "bad"))
    if report["description"]:
        yield element("p", report["description"], css="faint")


def _count(summary: Document) -> str:
    if summary["ok"] and not summary["warnings"]:
        return "Nothing is wrong."
    return f"{summary['errors']} errors, {summary['warnings']} warnings."


def _section(title: str, content: Sequence[Markup]) -> list[Markup]:
    return [element("h2", title), element("div", *content, css="scroll")] if content else []


def _table(header: Iterable[str], rows: Iterable[Markup]) -> list[Markup]:
    body = list(rows)
    if not body:
        return []
    head = element("thead", element("tr", *(element("th", name) for name in header)))
    return [element("table", head, element("tbody", *body))]


def _row(*cells: object) -> Markup:
    return element("tr", *(cell if isinstance(cell, Markup) else element("td", cell) for cell in cells))


def _findings(report: Document) -> list[Markup]:
    return _table(
        ("", "Host", "What", "What to do"),
        (
            _row(
                element("td", finding["severity"], css="bad" if finding["severity"] == "error" else "warn"),
                finding["host"],
                finding["what"],
                finding["remedy"],
            )
            for finding in report["findings"]
        ),
    )


def _matrix(report: Document) -> list[Markup]:
    hosts = report["hosts"]
    if len(hosts) > _MOST_HOSTS_IN_MATRIX:
        return [
            element("p", f"Left out, for there are {len(hosts)} hosts; the report in JSON has every pair.")
        ]
    columns = sorted(
        {host["host"] for host in hosts} | {pair["host"] for host in hosts for pair in host["pairs"]}
    )
    return _table(("from \\ to", *columns), (_matrix_row(host, columns) for host in hosts))


def _matrix_row(host: Document, columns: Iterable[str]) -> Markup:
    pairs = {pair["host"]: pair for pair in host["pairs"]}
    cells = (_matrix_cell(host["host"], name, pairs.get(name)) for name in columns)
    return _row(element("th", host["host"]), *cells)


def _matrix_cell(host: str, other: str, pair: Document | None) -> Markup:
    if host == other:
        return element("td", "·", css="number faint")
    if pair is None:
        return element("td", "unknown", css="warn")
    if pair["reachable"]:
        return element("td", f"{pair['rtt_ms']:.2f}", css="number")
    return element("td", "no", css="bad" if pair["expected"] else "faint")


def _hosts(report: Document) -> list[Markup]:
    return _table(
        ("Host", "Address", "State", "Cloud", "Public endpoint", "Controller", "MTU", "Agent", "Release"),
        (
            _row(
                host["host"],
                host["address"],
                element("td", host["state"], css="good" if host["state"] == "tunneling" else "bad"),
                " ".join(filter(None, map(host["cloud"].get, ("provider", "region", "zone")))),
                host["public_endpoint"],
                host["controller"],
                host["mtu"],
                host["agent_version"],
                host["release"],
            )
            for host in report["hosts"]
        ),
    )


def _ways(report: Document) -> list[Markup]:
    if len(report["hosts"]) > _MOST_HOSTS_IN_MATRIX:
        return []
    return _table(
        ("From", "To", "Address", "Endpoint", "Way", "Last handshake, s"),
        (
            _row(
                host["host"],
                pair["host"],
                pair["address"],
                pair["endpoint"],
                pair["path"],
                None if pair["handshake_age_s"] is None else f"{pair['handshake_age_s']:.0f}",
            )
            for host in report["hosts"]
            for pair in host["pairs"]
        ),
    )


def _controllers(report: Document) -> list[Markup]:
    return _table(
        ("Host", "Health", "Version", "etcd", "Cluster", "Revision"),
        (
            _row(
                each["host"],
                element(
                    "td",
                    "ok" if each["healthy"] else each["error"] or "degraded",
                    css="good" if each["healthy"] else "bad",
                ),
                each["version"],
                {True: "answers", False: "is lost"}.get(each["etcd"]["reachable"]),
                each["etcd"]["cluster_id"],
                each["etcd"]["revision"],
            )
            for each in report["controllers"]
        ),
    )


def _versions(report: Document) -> list[Markup]:
    titles = {"agent_version": "Agent that runs", "release": "Release that is installed"}
    return _table(
        ("", "Version", "Hosts"),
        (
            _row(titles[key], version, ", ".join(sorted(hosts)))
            for key, found in report["versions"].items()
            for version, hosts in sorted(found.items())
        ),
    )
