# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Two tunnels whose datagrams pass through the test, and a third host beside them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar

from frame_switch import Frame, FrameSwitch, forward
from inner_stream import InnerStream
from ip_packets import with_datagram
from namespaces import Namespace, eventually
from noise_initiator import TRANSPORT
from tunnel_pair import introduce
from tunnel_process import TunnelProcess

T = TypeVar("T")

# Not more at once than the kernel's queues and the tunnel's socket hold.
_BURST = 256
FIRST, SECOND, THIRD = range(3)


class SwitchedTunnels:
    """The switch, three hosts, and the tunnels of the first two: `us` and `them`."""

    us: TunnelProcess
    them: TunnelProcess

    def __init__(
        self, switch: FrameSwitch, first: Namespace, second: Namespace, third: Namespace, stack: ExitStack
    ) -> None:
        self.switch = switch
        self.first = first
        self.second = second
        self.third = third
        self._stack = stack

    def start_tunnel(self, host: Namespace, **options: Any) -> TunnelProcess:
        tunnel = TunnelProcess(host, **options)
        self._stack.callback(tunnel.stop)
        return tunnel

    def join(self, **options: Any) -> None:
        """Starts the tunnels of the first two hosts and waits for their session; the first initiates."""
        self.us = self.start_tunnel(self.first, **options)
        self.them = self.start_tunnel(self.second, **options)
        introduce(self.us, self.them, we_know=f"{self.second.outer_ipv4}:{self.them.port}", they_know="")
        self.check_up()

    def check_up(self) -> None:
        """Fails unless the tunnel carries packets both ways."""
        assert self.first.ping("10.77.0.2")
        assert self.second.ping("10.77.0.1")

    def forget_session(self) -> None:
        """Makes our side begin anew, as after a restart, and waits for the new session."""
        self.us.call("remove_peer", public_key=self.them.identity.public)
        self.us.add_peer(
            self.them.identity.public,
            ["10.77.0.2/32", "fd77::2/128"],
            endpoint=f"{self.second.outer_ipv4}:{self.them.port}",
        )
        eventually("there is a new session", lambda: self.first.pings("10.77.0.2"))

    def transport_frames(self, port: int = FIRST) -> list[Frame]:
        """The frames with transport messages that a host has sent."""
        return [frame for frame in self.switch.sent_by(port) if frame.datagram[0] == TRANSPORT]

    @contextmanager
    def held_back(self, port: int = FIRST) -> Iterator[list[Frame]]:
        """Keeps what a host sends from arriving, and collects it."""
        held: list[Frame] = []

        def hold(frame: Frame) -> Iterable[Frame]:
            if frame.port != port:
                return (frame,)
            held.append(frame)
            return ()

        self.switch.policy = hold
        try:
            yield held
        finally:
            self.switch.policy = forward

    def hold_one(self, stream: InnerStream) -> Frame:
        """A valid transport message with a packet of the stream that has not arrived."""
        with self.held_back() as held:
            stream.send(1)
            eventually("it is on the wire", lambda: held)
        return held[0]

    def refusals(self, tunnel: TunnelProcess, frames: Sequence[Frame]) -> Counter[str]:
        """Hands frames to a tunnel which shall drop them all, and gives its reasons."""
        return refusals(tunnel, frames, self.switch.deliver)


def changed(frame: Frame, datagram: bytes) -> Frame:
    """The same frame with another datagram, as if its sender had sent that."""
    return Frame(frame.port, with_datagram(frame.data, datagram), datagram)


def refusals(tunnel: TunnelProcess, items: Sequence[T], send: Callable[[T], object]) -> Counter[str]:
    """Sends something to a tunnel which shall drop all of it, in bursts, and gives the tunnel's reasons."""
    before = _refused(tunnel)
    for start in range(0, len(items), _BURST):
        burst = items[start : start + _BURST]
        for item in burst:
            send(item)
        wanted = start + len(burst)
        eventually(
            f"{wanted} are refused", lambda wanted=wanted: (_refused(tunnel) - before).total() >= wanted
        )
    return _refused(tunnel) - before


def _refused(tunnel: TunnelProcess) -> Counter[str]:
    status = tunnel.call("status")
    # The host itself looks for IPv6 routers now and then, where the tunnel has none.
    drops = {reason: count for reason, count in status["drops"].items() if reason != "no_route"}
    return Counter(drops, foreign=status["foreign_count"])
