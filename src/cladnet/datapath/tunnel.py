# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The tunnel of a host: a WireGuard device in the running loop, and workers that move the packets."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from cladnet.core.endpoint import Endpoint
from cladnet.core.errors import CladnetError, InvalidInput
from cladnet.core.forwarding.events import DeviceLost, Event, Foreign
from cladnet.core.forwarding.orders import Order, Receive
from cladnet.core.token_bucket import TokenBucket
from cladnet.core.wireguard.device import Device, check_private_key
from cladnet.core.wireguard.drops import Drop
from cladnet.core.wireguard.messages import MessageType, looks_like_wireguard, message_type
from cladnet.core.wireguard.peer_config import PeerConfig
from cladnet.core.wireguard.status import PeerStatus, TunnelStatus
from cladnet.datapath import steering
from cladnet.datapath.error_log import ErrorLog
from cladnet.datapath.shared_memory import SharedMemory
from cladnet.datapath.tun import TunDevice
from cladnet.datapath.udp import UdpSocket
from cladnet.datapath.worker_pool import WorkerPool

__all__ = ["PeerStatus", "Tunnel", "TunnelStatus"]

MAX_WORKERS = 64
# Datagrams that are taken before other tasks of the loop get their turn.
BATCH_SIZE = 32
# Handshake messages and the like that are looked at: all hosts of a large network at once, but of a flood no
# more than takes a small part of a CPU. The kernel drops the rest.
INTAKE_PER_S, INTAKE_BURST = 3000.0, 3000.0
INTAKE_PAUSE_S = 0.02
RECREATE_INTERVAL_S = 1.0
TIMER_TOLERANCE_S = 0.001

_log = logging.getLogger(__name__)


class Tunnel:
    """Connects a TUN device with WireGuard peers. Handshakes are made in the loop in which it was opened.

    Attributes:
        on_foreign: called with every datagram that is not WireGuard (STUN), and where it came from.
        on_device_recreated: called after somebody deleted the TUN device and the tunnel made it again; its
            address and its link state are gone then.
    """

    def __init__(
        self, tun: TunDevice, udp: UdpSocket, *, private_key: bytes, mtu: int, copy_dscp: bool
    ) -> None:
        self.on_foreign: Callable[[bytes, Endpoint], None] | None = None
        self.on_device_recreated: Callable[[], None] | None = None
        self._tun = tun
        self._device_name = tun.name
        self._mtu = mtu
        self._udp = udp
        self._errors = ErrorLog()
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._recreation: asyncio.Handle | None = None
        self._intake = TokenBucket(INTAKE_PER_S, INTAKE_BURST)
        self._pause: asyncio.TimerHandle | None = None
        self._memory = SharedMemory.create(len(udp.workers))
        self._wireguard = Device(
            private_key, order=self._order, memory=self._memory.memory, mtu=mtu, wall_time_ns=time.time_ns
        )
        self._workers = WorkerPool(
            tun=tun.queues,
            udp=udp.workers,
            memory=self._memory,
            mtu_bytes=mtu,
            has_uso=tun.has_uso,
            copy_dscp=copy_dscp,
            orders_so_far=self._wireguard.orders_so_far,
            on_event=self._event,
        )
        self._take_in()

    @classmethod
    async def open(
        cls,
        *,
        device: str,
        private_key: bytes,
        listen_port: int,
        mtu: int,
        workers: int = 1,
        copy_dscp: bool = False,
    ) -> Tunnel:
        """Creates the TUN device (down, without address), binds the port and starts the workers.

        Args:
            device: name of the TUN device, at most 15 bytes.
            private_key: 32 bytes.
            listen_port: UDP port; 0 takes any free one.
            mtu: bytes, set on the TUN device.
            workers: processes that move packets.
            copy_dscp: whether outer packets get the DSCP of inner ones, for networks on the way that heed it;
                it tells them what kind of traffic there is inside.

        Raises:
            InvalidInput: a name, key or number that cannot be right.
            Conflict: the device name or the port is in use.
            Unauthorized: CAP_NET_ADMIN is missing.
            Unavailable: the host has no /dev/net/tun.
        """
        if not 1 <= workers <= MAX_WORKERS:
            raise InvalidInput(f"{workers} workers are out of range: give 1 to {MAX_WORKERS}.")
        check_private_key(private_key)
        udp = UdpSocket.bind(listen_port, workers)
        try:
            tun = TunDevice.open(device, mtu, len(udp.workers))
        except BaseException:
            udp.close()
            raise
        _log.info("tunnel %s is open: UDP port %d, %s, MTU %d", device, udp.port, udp.families, mtu)
        return cls(tun, udp, private_key=private_key, mtu=mtu, copy_dscp=copy_dscp)

    @property
    def listen_port(self) -> int:
        """UDP port that is really bound."""
        return self._udp.port

    def set_peer(self, peer: PeerConfig) -> None:
        """Adds a peer or updates it.

        An endpoint that is the same as in the last configuration (or None) leaves a roamed endpoint alone; a
        changed one replaces it, and a handshake to it starts at once if there was a session or an attempt.

        Raises:
            InvalidInput: the key is this device's own, or one with which no secret can be agreed.
        """
        now_s = _now_s()
        self._wireguard.set_peer(peer, now_s)
        self._flush(now_s)

    def set_path_mtu(self, public_key: bytes, mtu_bytes: int) -> None:
        """Tells the longest inner packet that gets through to a peer; an unknown peer is ignored."""
        self._wireguard.set_path_mtu(public_key, mtu_bytes)

    def remove_peer(self, public_key: bytes) -> None:
        """Removes a peer and drops its sessions at once; an unknown one is ignored."""
        self._wireguard.remove_peer(public_key)

    def set_private_key(self, private_key: bytes) -> None:
        """Changes this host's identity; sessions live on until the peers have made new ones.

        Raises:
            InvalidInput: the key has not 32 bytes.
        """
        self._wireguard.set_private_key(private_key)

    def connect(self, public_key: bytes) -> None:
        """Starts a handshake now; if one was completed in the last 5 s, a keepalive tells our address.

        Raises:
            NotFound: no such peer.
        """
        now_s = _now_s()
        self._wireguard.connect(public_key, now_s)
        self._flush(now_s)

    def send_foreign(self, datagram: bytes, to: Endpoint) -> None:
        """Sends a datagram that is not WireGuard from the tunnel's own socket; it may be lost."""
        self._send(datagram, to, _now_s())

    def status(self) -> TunnelStatus:
        """Peers and drop counters, now."""
        return self._wireguard.status(_now_s())

    async def close(self) -> None:
        """Ends the workers, closes the port and removes the TUN device. A second call does nothing."""
        for handle in (self._timer, self._recreation, self._pause):
            if handle is not None:
                handle.cancel()
        if self._udp.fileno() < 0:
            return
        self._loop.remove_reader(self._udp.fileno())
        self._workers.close()
        self._udp.close()
        self._tun.close()
        self._memory.close()

    def _order(self, order: Order) -> None:
        self._workers.order(order)

    def _event(self, event: Event) -> None:
        now_s = _now_s()
        if isinstance(event, Foreign):
            self._dispatch(event.datagram, event.source, now_s)
        elif isinstance(event, DeviceLost):
            self._device_lost()
        else:
            self._wireguard.event(event, now_s)
        self._flush(now_s)

    def _take_in(self) -> None:
        if self._udp.is_steered:
            self._loop.add_reader(self._udp.fileno(), self._udp_readable)

    def _udp_readable(self) -> None:
        now_s = _now_s()
        if self._intake.wait_s(now_s) > 0:
            self._loop.remove_reader(self._udp.fileno())
            self._pause = self._loop.call_later(INTAKE_PAUSE_S, self._take_in)
            return
        try:
            for _unused in range(BATCH_SIZE):
                received = self._udp.receive()
                if received is None:
                    break
                self._intake.spend(1)
                self._dispatch(*received, now_s)
        except OSError as exc:
            self._errors.report("receiving on UDP port", self.listen_port, exc, now_s)
        finally:
            self._flush(now_s)

    def _dispatch(self, datagram: bytes, source: Endpoint | None, now_s: float) -> None:
        if source is None:
            return
        if message_type(datagram) is MessageType.TRANSPORT:
            self._pass_on(datagram, source)
        elif looks_like_wireguard(datagram):
            self._wireguard.datagram_received(datagram, source, now_s)
        elif self.on_foreign is not None:
            self.on_foreign(datagram, source)

    def _pass_on(self, datagram: bytes, source: Endpoint) -> None:
        """The kernel may glue a transport message to a handshake message, which goes here."""
        receiver_index = int.from_bytes(datagram[4:8], "little")
        worker = steering.worker_of(receiver_index, len(self._udp.workers))
        self._workers.receive(worker, Receive(datagram, source))

    def _timer_fired(self) -> None:
        self._timer = None
        now_s = _now_s()
        self._wireguard.handle_timers(now_s)
        self._flush(now_s)

    def _flush(self, now_s: float) -> None:
        for datagram, to in self._wireguard.outbox.take_datagrams():
            self._send(datagram, to, now_s)
        self._arm_timer(now_s)

    def _send(self, datagram: bytes, to: Endpoint, now_s: float) -> None:
        try:
            self._udp.send(datagram, to)
        except OSError as exc:
            self._wireguard.outbox.drop(Drop.SEND_FAILED)
            self._errors.report("sending to", to, exc, now_s)

    def _arm_timer(self, now_s: float) -> None:
        next_s = self._wireguard.next_timer_s()
        if next_s is None:
            return
        at_s = self._loop.time() + max(0.0, next_s - now_s)
        if self._timer is not None:
            if self._timer.when() <= at_s + TIMER_TOLERANCE_S:
                return
            self._timer.cancel()
        self._timer = self._loop.call_at(at_s, self._timer_fired)

    def _device_lost(self) -> None:
        """Heard from every worker."""
        if self._recreation is None and not self._tun.exists():
            self._recreation = self._loop.call_soon(self._recreate_tun)

    def _recreate_tun(self) -> None:
        """Somebody deleted the device. Without it the host is cut off, so make it again until it works."""
        try:
            tun = TunDevice.open(self._device_name, self._mtu, len(self._udp.workers))
        except CladnetError as exc:
            _log.warning("%s was deleted and cannot be made again yet: %s", self._device_name, exc)
            self._recreation = self._loop.call_later(RECREATE_INTERVAL_S, self._recreate_tun)
            return
        self._workers.use_tun(tun.queues)
        self._tun.close()
        self._tun, self._recreation = tun, None
        _log.warning("%s was deleted by somebody; made it again", self._device_name)
        if self.on_device_recreated is not None:
            self.on_device_recreated()


def _now_s() -> float:
    """Also counts while the machine is suspended: sessions get old then, too."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)
