# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Hosts on a switch that runs in this process: it sees every frame, and a test says what becomes of each."""

from __future__ import annotations

import os
import selectors
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field

from ip_packets import datagram_of
from namespace_sockets import FRAME_SIZE_BYTES, open_packet_socket, switch_off_offloads
from namespaces import Namespace, remove_namespace, run_ip

_BATCH_SIZE = 64


@dataclass(frozen=True)
class Frame:
    """One frame on its way.

    Args:
        port: number of the host that sent it.
        data: with its Ethernet header.
        datagram: what its UDP datagram carries.
    """

    port: int
    data: bytes
    datagram: bytes


Policy = Callable[[Frame], Iterable[Frame]]


def forward(frame: Frame) -> Iterable[Frame]:
    """The policy of an honest network."""
    return (frame,)


@dataclass
class FrameSwitch:
    """Carries frames between ports by their destination address.

    Attributes:
        policy: asked for every frame with a UDP datagram; gives what goes on instead, in order.
        seen: every frame with a UDP datagram that a host sent, before the policy.
        everything: every frame of any kind that a host sent, if it is recorded.
    """

    ports: list[socket.socket]
    policy: Policy = forward
    seen: list[Frame] = field(default_factory=list)
    everything: list[bytes] | None = None
    _learned: dict[bytes, int] = field(default_factory=dict)
    _failure: BaseException | None = None

    def start(self) -> None:
        self._stop_reading, self._stop_writing = os.pipe()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread, and fails if it did."""
        os.write(self._stop_writing, b".")
        self._thread.join()
        for descriptor in (self._stop_reading, self._stop_writing):
            os.close(descriptor)
        assert self._failure is None, repr(self._failure)

    def deliver(self, *frames: Frame) -> None:
        """Hands frames to their receivers, now."""
        for frame in frames:
            self._send(frame.port, frame.data)

    def sent_by(self, port: int) -> list[Frame]:
        """The frames with datagrams that one host sent so far."""
        return [frame for frame in list(self.seen) if frame.port == port]

    def _run(self) -> None:
        try:
            with selectors.DefaultSelector() as selector:
                selector.register(self._stop_reading, selectors.EVENT_READ)
                for number, port in enumerate(self.ports):
                    selector.register(port, selectors.EVENT_READ, number)
                self._carry(selector)
        except BaseException as exc:
            self._failure = exc

    def _carry(self, selector: selectors.BaseSelector) -> None:
        while True:
            for key, _unused in selector.select():
                if key.fd == self._stop_reading:
                    return
                self._carry_from(key.data)

    def _carry_from(self, port: int) -> None:
        for _unused in range(_BATCH_SIZE):
            try:
                data = self.ports[port].recv(FRAME_SIZE_BYTES)
            except BlockingIOError:
                return
            self._handle(port, data)

    def _handle(self, port: int, data: bytes) -> None:
        self._learned[data[6:12]] = port
        if self.everything is not None:
            self.everything.append(data)
        datagram = datagram_of(data)
        if datagram is None:
            self._send(port, data)
            return
        frame = Frame(port, data, datagram)
        self.seen.append(frame)
        self.deliver(*self.policy(frame))

    def _send(self, source: int, data: bytes) -> None:
        known = self._learned.get(data[:6])
        for number in range(len(self.ports)) if known is None else (known,):
            if number != source:
                with suppress(OSError):  # the cable is out, so the frame is lost
                    self.ports[number].send(data)


@contextmanager
def switched_hosts(count: int = 2, mtu: int = 1500) -> Iterator[tuple[FrameSwitch, list[Namespace]]]:
    """Hosts 192.0.2.1, 192.0.2.2, ... (2001:db8::1, ...) on one switch; all gone afterwards."""
    with ExitStack() as stack:
        middle, hosts, ports = _plug_in_all(count, mtu, stack)
        sockets = [stack.enter_context(open_packet_socket(middle, port)) for port in ports]
        switch = FrameSwitch(sockets)
        switch.start()
        stack.callback(switch.stop)
        yield switch, hosts


@contextmanager
def bridged_hosts(count: int = 3) -> Iterator[list[Namespace]]:
    """The same hosts on a bridge of the kernel, which is fast, but shows and changes nothing."""
    with ExitStack() as stack:
        middle, hosts, ports = _plug_in_all(count, 1500, stack)
        run_ip("-n", middle, "link", "add", "bridge", "up", "type", "bridge")
        for port in ports:
            run_ip("-n", middle, "link", "set", port, "master", "bridge")
        yield hosts


def _plug_in_all(count: int, mtu: int, stack: ExitStack) -> tuple[str, list[Namespace], list[str]]:
    prefix = f"cladsw{os.getpid()}"
    middle = f"{prefix}m"
    hosts = [
        Namespace(f"{prefix}{'abcdef'[number]}", "cable", f"192.0.2.{number + 1}", f"2001:db8::{number + 1}")
        for number in range(count)
    ]
    for name in (middle, *(host.name for host in hosts)):
        stack.callback(remove_namespace, name)
        run_ip("netns", "add", name)
    ports = [f"port{number}" for number in range(count)]
    for host, port in zip(hosts, ports, strict=True):
        _plug_in(host, middle, port, mtu)
    for host in hosts:
        _introduce(host, hosts)
    return middle, hosts, ports


def _plug_in(host: Namespace, middle: str, port: str, mtu: int) -> None:
    words = ["link", "add", host.cable, "address", mac_address(host), "mtu", str(mtu), "type", "veth"]
    run_ip("-n", host.name, *words, "peer", port, "mtu", str(mtu), "netns", middle)
    run_ip("netns", "exec", middle, "sysctl", "-qw", f"net.ipv6.conf.{port}.disable_ipv6=1")
    run_ip("-n", middle, "link", "set", port, "up")
    switch_off_offloads(host.name, host.cable)
    host.set_up("lo")
    host.set_up(host.cable, f"{host.outer_ipv4}/24", f"{host.outer_ipv6}/64")


def mac_address(host: Namespace) -> str:
    """Of the host's end of the cable."""
    return f"02:00:00:00:00:{int(host.outer_ipv4.rpartition('.')[2]):02x}"


def _introduce(host: Namespace, others: Iterable[Namespace]) -> None:
    """So that no datagram is lost while an address is resolved."""
    for other in others:
        if other is not host:
            for address in (other.outer_ipv4, other.outer_ipv6):
                words = ["neigh", "replace", address, "lladdr", mac_address(other), "dev", host.cable]
                run_ip("-n", host.name, *words, "nud", "permanent")
