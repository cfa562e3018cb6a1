# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""A controller that does what a test tells it: the protocol without etcd, over real TLS.

What the real one does by itself is tested with the real one (tests/integration/agent).
"""

from __future__ import annotations

import asyncio
import datetime
import http.server
import ipaddress
import json
import ssl
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import grpc.aio
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from cladnet.core.errors import CladnetError
from cladnet.core.identity import CONTROLLER_NAME
from cladnet.wire import agent_pb2, methods
from cladnet.wire.status import code_of

LOOPBACK = "127.0.0.1"


class Authority:
    """A CA and what it signs."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = self._sign(
            "test CA", self.key.public_key(), x509.BasicConstraints(ca=True, path_length=0)
        )

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def server(self) -> tuple[bytes, bytes]:
        """Key and certificate of a controller, PEM."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([x509.DNSName(CONTROLLER_NAME)])
        certificate = self._sign(CONTROLLER_NAME, key.public_key(), names)
        return private_pem(key), certificate.public_bytes(serialization.Encoding.PEM)

    def sign_request(
        self, pem: bytes, life: datetime.timedelta = datetime.timedelta(days=90), age: float = 0.5
    ) -> bytes:
        """The certificate that a request asks for; ``age`` is the share of its life that is over."""
        request = x509.load_pem_x509_csr(pem)
        names = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        certificate = self._sign("host", request.public_key(), names, life, age)
        return certificate.public_bytes(serialization.Encoding.PEM)

    def _sign(
        self,
        name: str,
        public_key: ec.EllipticCurvePublicKey,
        extension: x509.ExtensionType,
        life: datetime.timedelta = datetime.timedelta(days=1),
        age: float = 0.5,
    ) -> x509.Certificate:
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test CA")])
        now = datetime.datetime.now(datetime.timezone.utc)
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(public_key)
        builder = builder.serial_number(x509.random_serial_number()).add_extension(extension, critical=False)
        builder = builder.not_valid_before(now - life * age).not_valid_after(now + life * (1 - age))
        return builder.sign(self.key, hashes.SHA256())


def private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """A private key as PEM."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


@dataclass
class FakeController:
    """Answers with what its fields say, and keeps what it was told."""

    authority: Authority
    agent_port: int = 0
    api_port: int = 0
    reports: list[agent_pb2.ReportRequest] = field(default_factory=list)
    watches: list[agent_pb2.WatchRequest] = field(default_factory=list)
    leaves: int = 0
    report_error: CladnetError | None = None
    enrolment_status: int = 200
    enrolment_reply: dict[str, object] | None = None
    tokens: list[str] = field(default_factory=list)
    updates: list[agent_pb2.WatchReply] = field(default_factory=list)
    renewals: int = 0
    results: list[agent_pb2.FinishTestRequest] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._server: grpc.aio.Server | None = None
        self._http: http.server.HTTPServer | None = None
        self._news = asyncio.Condition()
        self._server_key, self._server_certificate = self.authority.server()

    async def start(self, directory: Path) -> None:
        """Listens on loopback, on free ports."""
        await self.start_stream(self.agent_port)
        self._start_api(directory)

    async def start_stream(self, port: int = 0) -> None:
        """Serves agents, on a free port or the given one."""
        self._server = grpc.aio.server()
        credentials = grpc.ssl_server_credentials(
            [(self._server_key, self._server_certificate)], self.authority.pem, require_client_auth=True
        )
        self._server.add_generic_rpc_handlers((self._handlers(),))
        self.agent_port = self._server.add_secure_port(f"{LOOPBACK}:{port}", credentials)
        await self._server.start()

    async def stop_stream(self) -> None:
        """Hangs up on all agents."""
        if self._server is not None:
            await self._server.stop(grace=0)

    async def stop(self) -> None:
        """Ends everything."""
        await self.stop_stream()
        if self._http is not None:
            await asyncio.to_thread(self._http.shutdown)
            self._http.server_close()

    async def send(self, update: agent_pb2.WatchReply) -> None:
        """Sends an update to those who watch now and later."""
        async with self._news:
            self.updates.append(update)
            self._news.notify_all()

    def _handlers(self) -> grpc.GenericRpcHandler:
        unary = grpc.unary_unary_rpc_method_handler
        return grpc.method_handlers_generic_handler(
            methods.AGENT_SERVICE,
            {
                "Report": unary(
                    self._report, agent_pb2.ReportRequest.FromString, agent_pb2.ReportReply.SerializeToString
                ),
                "Watch": grpc.unary_stream_rpc_method_handler(
                    self._watch, agent_pb2.WatchRequest.FromString, agent_pb2.WatchReply.SerializeToString
                ),
                "Renew": unary(
                    self._renew, agent_pb2.RenewRequest.FromString, agent_pb2.RenewReply.SerializeToString
                ),
                "FinishTest": unary(
                    self._finish_test,
                    agent_pb2.FinishTestRequest.FromString,
                    agent_pb2.FinishTestReply.SerializeToString,
                ),
                "Leave": unary(
                    self._leave, agent_pb2.LeaveRequest.FromString, agent_pb2.LeaveReply.SerializeToString
                ),
            },
        )

    async def _report(
        self, request: agent_pb2.ReportRequest, context: grpc.aio.ServicerContext
    ) -> agent_pb2.ReportReply:
        self.reports.append(request)
        if self.report_error is not None:
            await context.abort(code_of(self.report_error), str(self.report_error))
        return agent_pb2.ReportReply()

    async def _watch(
        self, request: agent_pb2.WatchRequest, context: grpc.aio.ServicerContext
    ) -> AsyncIterator[agent_pb2.WatchReply]:
        self.watches.append(request)
        sent = 0
        while True:
            async with self._news:
                while len(self.updates) <= sent:
                    await self._news.wait()
                pending = self.updates[sent:]
                sent = len(self.updates)
            for update in pending:
                yield update

    async def _renew(
        self, request: agent_pb2.RenewRequest, context: grpc.aio.ServicerContext
    ) -> agent_pb2.RenewReply:
        self.renewals += 1
        return agent_pb2.RenewReply(certificate_pem=self.authority.sign_request(request.csr_pem))

    async def _finish_test(
        self, request: agent_pb2.FinishTestRequest, context: grpc.aio.ServicerContext
    ) -> agent_pb2.FinishTestReply:
        self.results.append(request)
        return agent_pb2.FinishTestReply()

    async def _leave(
        self, request: agent_pb2.LeaveRequest, context: grpc.aio.ServicerContext
    ) -> agent_pb2.LeaveReply:
        self.leaves += 1
        return agent_pb2.LeaveReply()

    def _start_api(self, directory: Path) -> None:
        controller = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                controller.tokens.append(body["token"])
                reply = controller.enrolment_reply or {
                    "certificate_pem": controller.authority.sign_request(body["csr_pem"].encode()).decode()
                }
                self.send_response(controller.enrolment_status)
                self.end_headers()
                self.wfile.write(json.dumps(reply).encode())

            def log_message(self, *arguments: object) -> None:
                pass

        self._http = http.server.ThreadingHTTPServer((LOOPBACK, 0), Handler)
        self._http.socket = self._tls(directory).wrap_socket(self._http.socket, server_side=True)
        self.api_port = self._http.server_address[1]
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def _tls(self, directory: Path) -> ssl.SSLContext:
        key, certificate = directory / "server.key", directory / "server.crt"
        key.write_bytes(self._server_key)
        certificate.write_bytes(self._server_certificate)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        return context


def snapshot(
    hosts: dict[str, tuple[str, bytes, str]], *, cidr: str, cluster_id: int = 7, revision: int = 1
) -> agent_pb2.WatchReply:
    """A snapshot of hosts given as name: (overlay address, public key, endpoint address with port or "")."""
    return agent_pb2.WatchReply(
        snapshot=agent_pb2.Snapshot(
            cluster_id=cluster_id,
            revision=revision,
            network=agent_pb2.Network(name="demo", cidr=cidr, rule_type="basic"),
            peers=[peer_message(host, *facts) for host, facts in hosts.items()],
            controllers=[agent_pb2.Controller(name="ctl", addresses=[LOOPBACK])],
        )
    )


def peer_message(host: str, address: str, public_key: bytes, endpoint: str = "") -> agent_pb2.Peer:
    """One entry of the rule."""
    at = endpoint.rpartition(":")
    return agent_pb2.Peer(
        host=host,
        address=str(ipaddress.ip_address(address)),
        public_key=public_key,
        endpoint=agent_pb2.Endpoint(address=at[0], port=int(at[2])) if endpoint else None,
    )
