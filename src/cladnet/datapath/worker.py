# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""A process that moves packets between a queue of the TUN device and a UDP socket, and does nothing else.

It gets its descriptors, its orders and its keys from the tunnel that starts it, and ends with it.
"""

from __future__ import annotations

import errno
import gc
import logging
import os
import select
import signal
import socket
import sys
import time

from cladnet.core.forwarding.events import DeviceLost
from cladnet.core.forwarding.execution import Execution
from cladnet.core.forwarding.forwarder import Forwarder
from cladnet.core.forwarding.wire import decode_order, encode
from cladnet.core.offload.virtio_net import HEADER_BYTES
from cladnet.core.wireguard.drops import Drop
from cladnet.datapath.receiver import Receiver
from cladnet.datapath.sender import Sender
from cladnet.datapath.shared_memory import SharedMemory
from cladnet.datapath.worker_config import MAX_MESSAGE_BYTES, WorkerConfig

# Reads from one side before the other one gets its turn: from one, while there is little, up to these. Small
# packets are cheapest when many are sent together, so what is more than one is sent all at once.
MAX_SEND_BUDGET, MAX_RECEIVE_BUDGET = 64, 64
# Events that the tunnel had no room for are offered again.
RETRY_MS = 10
# Hardly any cycles are made, so looking for them is worth little.
_COLLECT_AFTER = 100_000
_DEVICE_GONE = (errno.EBADFD, errno.EBADF, errno.EFAULT)


class Worker:
    """The loop.

    Args:
        config: what it was started with.
    """

    def __init__(self, config: WorkerConfig) -> None:
        self._channel = socket.socket(fileno=config.channel)
        self._channel.setblocking(False)
        self._tun = config.tun
        self._udp = socket.socket(fileno=config.udp)
        self._shared = SharedMemory(config.memory, config.workers)
        memory = self._shared.memory
        self._forwarder = Forwarder(config.mtu_bytes, memory.drops(config.number))
        self._forwarder.on_unknown_session = self._take_orders
        self._execution = Execution(self._forwarder, memory, config.number)
        self._sender = Sender(
            tun=self._tun,
            socket=self._udp,
            forwarder=self._forwarder,
            mtu_bytes=config.mtu_bytes,
            copy_dscp=config.copy_dscp,
        )
        self._receiver = Receiver(
            tun=self._tun,
            socket=self._udp,
            forwarder=self._forwarder,
            has_uso=config.has_uso,
        )
        self._poll = select.poll()
        for descriptor in (self._channel.fileno(), self._tun, self._udp.fileno()):
            self._poll.register(descriptor, select.POLLIN)
        self._is_told_to_end = False

    def run(self) -> None:
        """Works until the tunnel closes the channel."""
        send_budget = receive_budget = 1
        channel, udp = self._channel.fileno(), self._udp.fileno()
        while not self._is_told_to_end:
            ready = self._poll.poll(RETRY_MS if self._forwarder.events else None)
            now_s = time.clock_gettime(time.CLOCK_BOOTTIME)
            is_sending = is_receiving = False
            for descriptor, _what in ready:
                if descriptor == udp:
                    is_receiving = self._run(self._receiver, receive_budget, now_s)
                elif descriptor == channel:
                    self._take_orders()
                else:
                    is_sending = self._run(self._sender, send_budget, now_s)
            send_budget = MAX_SEND_BUDGET if is_sending else 1
            receive_budget = min(2 * receive_budget, MAX_RECEIVE_BUDGET) if is_receiving else 1
            if self._forwarder.events:
                self._tell_events()

    def _run(self, direction: Sender | Receiver, budget: int, now_s: float) -> bool:
        """Moves packets in one direction; whether there may be more."""
        try:
            return direction.run(budget, now_s) == budget
        except OSError as exc:
            self._device_failed(exc)
            return False

    def _device_failed(self, cause: OSError) -> None:
        """Waits for another device, if this one is gone."""
        if cause.errno not in _DEVICE_GONE or self._tun < 0:
            return
        self._poll.unregister(self._tun)
        os.close(self._tun)
        self._use_tun(-1)
        self._forwarder.events[DeviceLost()] = None

    def _use_tun(self, tun: int) -> None:
        self._tun = self._sender.tun = self._receiver.tun = tun

    def _take_orders(self) -> None:
        """Carries out all orders that are there."""
        now_s = time.clock_gettime(time.CLOCK_BOOTTIME)
        while not self._is_told_to_end and self._take_order(now_s):
            pass
        self._sender.send_pending(now_s)
        if self._forwarder.packets:
            self._deliver_packets()

    def _take_order(self, now_s: float) -> bool:
        try:
            message, descriptors, _flags, _address = socket.recv_fds(self._channel, MAX_MESSAGE_BYTES, 1)
        except BlockingIOError:
            return False
        except OSError:
            message, descriptors = b"", []
        if descriptors:
            self._change_tun(descriptors[0])
        elif message:
            self._execution.carry_out(decode_order(message), now_s)
        else:
            self._is_told_to_end = True
        return True

    def _change_tun(self, tun: int) -> None:
        if self._tun >= 0:
            self._poll.unregister(self._tun)
            os.close(self._tun)
        self._use_tun(tun)
        self._poll.register(tun, select.POLLIN)

    def _deliver_packets(self) -> None:
        """Packets of messages that came a roundabout way."""
        packets, self._forwarder.packets = self._forwarder.packets, []
        for packet in packets:
            try:
                os.write(self._tun, bytes(HEADER_BYTES) + packet)
            except OSError as exc:
                self._forwarder.drops[Drop.TUN_WRITE_FAILED] += 1
                self._device_failed(exc)

    def _tell_events(self) -> None:
        events = self._forwarder.events
        for event in list(events):
            try:
                self._channel.send(encode(event))
            except BlockingIOError:
                return
            except OSError:
                self._is_told_to_end = True
                return
            del events[event]


def main(arguments: list[str]) -> None:
    """Runs a worker with the arguments of `WorkerConfig.arguments`."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started us ends us
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    worker = Worker(WorkerConfig.parse(arguments))
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER)
    worker.run()


if __name__ == "__main__":
    main(sys.argv[1:])
