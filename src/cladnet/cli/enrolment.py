# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""``cladnet enrolment``: can this host still prove to its controllers that it is a member of the network?"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from cladnet.agent.config import AgentConfig
from cladnet.agent.identity import Certificate, read_certificate
from cladnet.cli.status import read_status
from cladnet.core.errors import InvalidInput, Unauthorized, Unavailable
from cladnet.core.host_state import HostState
from cladnet.core.identity import SpiffeId


def enrolment(config: AgentConfig, now: datetime) -> dict[str, Any]:
    """Whether the host is enrolled, and if it is not (any more), why.

    Args:
        config: of the network.
        now: with time zone.

    Raises:
        CladnetError: the files or the agent may not be asked.
    """
    try:
        certificate = _certificate(config)
        problem = _problem(config, certificate, now) or _removal(config)
    except InvalidInput as exc:
        certificate, problem = None, str(exc)
    return {
        "network": config.network,
        "host": config.host,
        "valid": not problem,
        "problem": problem,
        "not_after": None if certificate is None else certificate.not_after.isoformat(),
    }


def format_enrolment(result: dict[str, Any]) -> str:
    """The result for people."""
    if result["problem"]:
        return f"{result['host']} has to be enrolled again in {result['network']}: {result['problem']}"
    return f"{result['host']} is enrolled in {result['network']} until {result['not_after']}"


def _certificate(config: AgentConfig) -> Certificate:
    """Reads files only: whoever asks must not make a key, as the agent does where there is none."""
    found = [_read(config.state_dir / name) for name in ("identity.crt", "identity.key")]
    pem, key = found
    if pem is None or key is None:
        raise InvalidInput("there is no certificate with its key")
    return read_certificate(pem, key)


def _problem(config: AgentConfig, certificate: Certificate, now: datetime) -> str:
    if certificate.spiffe_id != SpiffeId(config.network, config.host):
        return f"the certificate is for {certificate.spiffe_id}"
    if now >= certificate.not_after:
        return certificate.problem(now)
    return _foreign(certificate, _read(config.ca_file))


def _foreign(certificate: Certificate, authority_pem: bytes | None) -> str:
    """Whether another certificate authority has signed it than the one of the controllers."""
    if authority_pem is None:
        return ""
    try:
        authority = x509.load_pem_x509_certificate(authority_pem)
        x509.load_pem_x509_certificate(certificate.pem).verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return "the certificate is not of the controllers' certificate authority"
    return ""


def _removal(config: AgentConfig) -> str:
    """What a running agent says about its removal; a host that was only taken down keeps its address."""
    status = read_status(config)
    is_removed = status["state"] == HostState.RELEASED.value and status["address"] is None
    return status["reason"] or "removed from the network" if is_removed else ""


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except PermissionError as exc:
        raise Unauthorized(f"{path} may not be read.", hint="Try it with sudo.") from exc
    except OSError as exc:
        raise Unavailable(f"{path} cannot be read: {exc.strerror}.") from exc
