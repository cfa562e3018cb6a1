# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Starts workers, gives them their orders, hears their events, and starts those again that die."""

from __future__ import annotations

import asyncio
import logging
import os
import random
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterator

from cladnet.core.backoff import Backoff
from cladnet.core.forwarding.events import Event, Roamed
from cladnet.core.forwarding.orders import MovePeer, Order, Receive
from cladnet.core.forwarding.wire import decode_event, encode
from cladnet.datapath.shared_memory import SharedMemory
from cladnet.datapath.worker_config import MAX_MESSAGE_BYTES, WorkerConfig

# A worker that leaves so many orders lying does not work any more: another one is faster told everything.
MAX_BACKLOG = 100_000
END_TIMEOUT_S = 2.0
# One that dies is started again at once; one that dies again and again is not.
_RESTART_FIRST_S, _RESTART_CEILING_S = 0.02, 5.0
_HEALTHY_AFTER_S = 10.0
_BATCH = 64

_log = logging.getLogger(__name__)


class WorkerProcess:
    """One worker that runs, and the way to it.

    Args:
        config: its own; the channel in it is replaced by a new one.
        on_event: told of its events.
        on_end: told its exit status when it has ended by itself.
    """

    def __init__(
        self,
        config: Callable[[int], WorkerConfig],
        on_event: Callable[[Event], None],
        on_end: Callable[[int], None],
    ) -> None:
        self._on_event = on_event
        self._on_end = on_end
        self._loop = asyncio.get_running_loop()
        self._backlog: deque[bytes | int] = deque()
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._channel.setblocking(False)
        with theirs:
            self._process = _start(config(theirs.fileno()))
        self._loop.add_reader(self._channel, self._readable)

    def send(self, message: bytes | int) -> None:
        """Sends an order, or the descriptor of another queue of the device."""
        self._backlog.append(message)
        if len(self._backlog) > MAX_BACKLOG:
            self._process.kill()
        elif len(self._backlog) == 1:
            self._writable()

    def end(self) -> int:
        """Ends it, and waits for that; its exit status, negative for a signal."""
        self._loop.remove_reader(self._channel)
        self._loop.remove_writer(self._channel)
        self._channel.close()
        try:
            self._process.wait(END_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
        return self._process.wait()

    def _writable(self) -> None:
        while self._backlog:
            try:
                self._send(self._backlog[0])
            except BlockingIOError:
                self._loop.add_writer(self._channel, self._writable)
                return
            except OSError:
                return  # it has died: the reader hears of it
            self._backlog.popleft()
        self._loop.remove_writer(self._channel)

    def _send(self, message: bytes | int) -> None:
        if isinstance(message, int):
            socket.send_fds(self._channel, [b"tun"], [message])
        else:
            self._channel.send(message)

    def _readable(self) -> None:
        for _unused in range(_BATCH):
            try:
                message = self._channel.recv(MAX_MESSAGE_BYTES)
            except BlockingIOError:
                return
            except OSError:
                message = b""
            if not message:
                self._on_end(self.end())
                return
            self._on_event(decode_event(message))


class WorkerPool:
    """All workers of a tunnel.

    Args:
        tun: queues of the device, one for each worker.
        udp: sockets, one for each worker.
        memory: shared with them.
        mtu_bytes: of the device.
        has_uso: whether the device takes UDP segments in bulk.
        copy_dscp: whether outer packets get the DSCP of inner ones.
        orders_so_far: everything that a new worker has to be told.
        on_event: told of the events of all.
    """

    def __init__(
        self,
        *,
        tun: list[int],
        udp: list[socket.socket],
        memory: SharedMemory,
        mtu_bytes: int,
        has_uso: bool,
        copy_dscp: bool,
        orders_so_far: Callable[[], Iterator[Order]],
        on_event: Callable[[Event], None],
    ) -> None:
        self._tun = tun
        self._udp = udp
        self._memory = memory
        self._mtu_bytes = mtu_bytes
        self._has_uso = has_uso
        self._copy_dscp = copy_dscp
        self._orders_so_far = orders_so_far
        self._on_event = on_event
        self._loop = asyncio.get_running_loop()
        self._backoffs = [_backoff() for _unused in udp]
        self._started_s = [0.0 for _unused in udp]
        self._workers: dict[int, WorkerProcess] = {}
        self._restarts: dict[int, asyncio.TimerHandle] = {}
        for number in range(len(udp)):
            self._start(number)

    def order(self, order: Order) -> None:
        """Gives an order to all."""
        message = encode(order)
        for worker in self._workers.values():
            worker.send(message)

    def receive(self, worker: int, order: Receive) -> None:
        """Gives a message to the worker that has its session."""
        if worker in self._workers:
            self._workers[worker].send(encode(order))

    def use_tun(self, tun: list[int]) -> None:
        """Moves all to the queues of another device."""
        self._tun = tun
        for number, worker in self._workers.items():
            worker.send(tun[number])

    def close(self) -> None:
        """Ends all."""
        for handle in self._restarts.values():
            handle.cancel()
        workers, self._workers = self._workers, {}
        for worker in workers.values():
            worker.end()

    def _start(self, number: int) -> None:
        self._restarts.pop(number, None)
        self._started_s[number] = self._loop.time()
        worker = WorkerProcess(
            lambda channel: self._config(number, channel),
            lambda event: self._event(number, event),
            lambda status: self._ended(number, status),
        )
        self._workers[number] = worker
        for order in self._orders_so_far():
            worker.send(encode(order))

    def _config(self, number: int, channel: int) -> WorkerConfig:
        return WorkerConfig(
            number=number,
            workers=len(self._udp),
            mtu_bytes=self._mtu_bytes,
            has_uso=self._has_uso,
            copy_dscp=self._copy_dscp,
            channel=channel,
            memory=self._memory.descriptor,
            tun=self._tun[number],
            udp=self._udp[number].fileno(),
        )

    def _ended(self, number: int, status: int) -> None:
        del self._workers[number]
        if self._loop.time() - self._started_s[number] >= _HEALTHY_AFTER_S:
            self._backoffs[number].reset()
        delay_s = self._backoffs[number].next_s()
        cause = f"signal {-status}" if status < 0 else f"status {status}"
        _log.error(
            "worker %d of the tunnel has died (%s); starting it again in %.2f s", number, cause, delay_s
        )
        self._restarts[number] = self._loop.call_later(delay_s, self._start, number)

    def _event(self, number: int, event: Event) -> None:
        if isinstance(event, Roamed):
            self._tell_others(number, MovePeer(event.peer, event.source))
        self._on_event(event)

    def _tell_others(self, number: int, order: Order) -> None:
        for other, worker in self._workers.items():
            if other != number:
                worker.send(encode(order))


def _backoff() -> Backoff:
    return Backoff(first_s=_RESTART_FIRST_S, ceiling_s=_RESTART_CEILING_S, rng=random.SystemRandom())


def _start(config: WorkerConfig) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "cladnet.datapath.worker", *config.arguments()],
        stdin=subprocess.DEVNULL,
        pass_fds=(config.channel, config.memory, config.tun, config.udp),
        # Matrices are not multiplied here: a pool of threads for that would only take memory.
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
    )
