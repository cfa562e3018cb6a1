# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What each route answers: authentication, limits, routing, then one method per route."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import replace

from lab.tumblebug import render_infra, render_resources
from lab.tumblebug.answers import Answer, Refused, Request
from lab.tumblebug.bastions import Bastions
from lab.tumblebug.cloud import Cloud, CloudError
from lab.tumblebug.control import Controls
from lab.tumblebug.era import Era
from lab.tumblebug.estate import Estate, Infra, Machine, Namespace
from lab.tumblebug.gate import INFRA_REQUESTS_PER_S, Credentials, TokenBuckets
from lab.tumblebug.lookup import Lookup, id_list, id_list_by_field
from lab.tumblebug.records import Record, Records
from lab.tumblebug.render_shared import Json
from lab.tumblebug.routes import Route, api_document, routes

Parameters = dict[str, str]


class Api:
    """CB-Tumblebug of one era over an estate.

    Args:
        era: how it answers.
        estate: the objects that exist.
        cloud: the machines behind them.
        credentials: user and password of the basic authentication.
        now: clock in seconds.
    """

    def __init__(
        self, era: Era, estate: Estate, cloud: Cloud, *, credentials: Credentials, now: Callable[[], float]
    ) -> None:
        self._era = era
        self._now = now
        self._credentials = credentials
        self._find = Lookup(era, estate)
        self._records = Records(estate, cloud, cache_s=era.status_cache_s, now=now)
        self._controls = Controls(era, self._find, self._records)
        self._bastions = Bastions(era, self._find)
        self._routes = routes(era)
        self._limiter = TokenBuckets(era.requests_per_s)
        self._route_limiters = {
            route.handler: TokenBuckets(INFRA_REQUESTS_PER_S) for route in self._routes if route.limited
        }
        self._lock = threading.Lock()

    def answer(self, request: Request) -> Answer:
        """The answer to a request; never raises for what a client can send."""
        try:
            self._take(self._limiter, request)
            if request.method == "GET" and request.path in self._era.open_paths:
                return Answer(self._era.open_paths[request.path])
            self._credentials.check(request.headers)
            return self._routed(request)
        except Refused as refused:
            return refused.answer
        except CloudError as error:
            return Answer({"message": str(error)}, 500)

    def _take(self, limiter: TokenBuckets, request: Request) -> None:
        with self._lock:
            limiter.take(request.client, self._now())

    def _routed(self, request: Request) -> Answer:
        route, parameters = self._route(request)
        if route.limited:
            self._take(self._route_limiters[route.handler], request)
        if "ns" in parameters:
            self._find.namespace(parameters["ns"])
        handler: Callable[[Request, Parameters], object] = getattr(self, f"_on_{route.handler}")
        return Answer(handler(request, parameters))

    def _route(self, request: Request) -> tuple[Route, Parameters]:
        for route in self._routes:
            parameters = route.match(request.method, request.path)
            if parameters is not None:
                return route, parameters
        raise Refused(404, "Not Found")

    # --- API document and namespaces ---

    def _on_document(self, _request: Request, _parameters: Parameters) -> object:
        return api_document(self._era)

    def _on_namespaces(self, request: Request, _parameters: Parameters) -> object:
        found = self._find.namespaces()
        if request.option == "id":
            return id_list(namespace.id for namespace in found)
        return {"ns": [render_resources.namespace(self._era, each) for each in found]}

    def _on_namespace(self, _request: Request, parameters: Parameters) -> object:
        return render_resources.namespace(self._era, self._find.namespace(parameters["ns"]))

    # --- infras ---

    def _on_infras(self, request: Request, parameters: Parameters) -> object:
        namespace = self._find.namespace(parameters["ns"])
        infras = sorted(namespace.infras.values(), key=lambda each: each.id)
        if request.option == "id":
            return id_list(each.id for each in infras)
        if request.option == "status":
            return {self._era.infra: [self._status(namespace, each) for each in infras]}
        return {self._era.infra: [self._listed(request, namespace, each) for each in infras]}

    def _listed(self, request: Request, namespace: Namespace, infra: Infra) -> Json:
        era, owner = self._era, (namespace.id, infra.id)
        if era.simple_is_full:
            return self._full(namespace, infra)
        records = self._polled(namespace, infra)
        if request.option == "simple":
            nodes = [render_infra.simple_machine(era, record) for record in records]
        elif era.lists_infra_records:
            nodes = [render_infra.listed_machine(era, owner, infra, record) for record in records]
        else:
            nodes = [render_infra.machine(era, owner, record) for record in records]
        return render_infra.infra(era, namespace.id, infra, nodes, [record.status for record in records])

    def _on_infra(self, request: Request, parameters: Parameters) -> object:
        namespace = self._find.namespace(parameters["ns"])
        infra = self._find.infra(namespace, parameters["infra"], request.option)
        if request.option == "id":
            return self._machine_ids(request, namespace, infra)
        if request.option == "status":
            return {"status": self._status(namespace, infra)}
        if request.option == "accessinfo":
            return self._access(request, namespace, infra)
        return self._full(namespace, infra)

    def _full(self, namespace: Namespace, infra: Infra) -> Json:
        """The infra with fresh statuses; the addresses are those from before the status poll."""
        owner = (namespace.id, infra.id)
        before = [self._records.stored((*owner, each.id)) for each in _sorted(infra)]
        after = self._polled(namespace, infra)
        nodes = [
            render_infra.machine(self._era, owner, _with_status_of(old, new))
            for old, new in zip(before, after, strict=True)
        ]
        statuses = [record.status for record in after]
        document = render_infra.infra(self._era, namespace.id, infra, nodes, statuses)
        return render_infra.with_target(document, after)

    def _status(self, namespace: Namespace, infra: Infra) -> Json:
        return render_infra.status(self._era, namespace.id, infra, self._polled(namespace, infra))

    def _access(self, request: Request, namespace: Namespace, infra: Infra) -> Json:
        show_key = request.query.get("accessInfoOption", "").lower() == "showsshkey"
        rendered = []
        for record in self._polled(namespace, infra):
            live = self._records.live_addresses((namespace.id, infra.id, record.machine.id))
            access = render_infra.machine_access(self._era, record, live, show_key=show_key)
            rendered.append((record, access))
        return render_infra.access(self._era, infra.id, rendered)

    def _machine_ids(self, request: Request, namespace: Namespace, infra: Infra) -> Json:
        key = request.query.get("filterKey", "")
        if not key:
            return id_list(each.id for each in _sorted(infra))
        machines = [self._machine(namespace, infra, each.id) for each in _sorted(infra)]
        return id_list_by_field(machines, key, request.query.get("filterVal", ""))

    def _polled(self, namespace: Namespace, infra: Infra) -> list[Record]:
        return [self._records.polled((namespace.id, infra.id, each.id)) for each in _sorted(infra)]

    # --- machines and groups ---

    def _machine(self, namespace: Namespace, infra: Infra, machine_id: str) -> Json:
        owner = (namespace.id, infra.id)
        return render_infra.machine(self._era, owner, self._records.stored((*owner, machine_id)))

    def _on_machine(self, request: Request, parameters: Parameters) -> object:
        path = self._find.machine_path(parameters)
        record = self._records.stored(path)
        if request.option == "status":
            return render_infra.machine_status(self._era, path[:2], record)
        return render_infra.machine(self._era, path[:2], record)

    def _on_nodes(self, request: Request, parameters: Parameters) -> object:
        namespace = self._find.namespace(parameters["ns"])
        wanted = [request.query.get(name, "") for name in ("filterKey", "filterVal")]
        nodes = [
            {"infraId": infra.id, **self._machine(namespace, infra, machine.id)}
            for infra in namespace.infras.values()
            for machine in _sorted(infra)
        ]
        # The filters are substrings of the stored JSON, not of the named field.
        nodes = [node for node in nodes if all(text in json.dumps(node) for text in wanted)]
        if request.option == "id":
            return id_list(f"{node['infraId']}/{node['id']}" for node in nodes)
        return {"node": nodes}

    def _on_groups(self, _request: Request, parameters: Parameters) -> object:
        infra = self._find.infra(self._find.namespace(parameters["ns"]), parameters["infra"])
        return id_list(sorted({machine.group for machine in infra.machines}))

    def _on_group(self, _request: Request, parameters: Parameters) -> object:
        infra = self._find.infra(self._find.namespace(parameters["ns"]), parameters["infra"])
        return id_list(each.id for each in _sorted(infra) if each.group == parameters["group"])

    # --- control ---

    def _on_control_infra(self, request: Request, parameters: Parameters) -> object:
        return self._controls.infra(request, parameters)

    def _on_control_machine(self, request: Request, parameters: Parameters) -> object:
        return self._controls.machine(request, parameters)

    # --- networks, keys, bastions ---

    def _on_vnets(self, request: Request, parameters: Parameters) -> object:
        found = self._find.namespace(parameters["ns"]).networks()
        if request.option == "id":
            return id_list(sorted(found))
        return {"vNet": [self._vnet(parameters["ns"], name) for name in sorted(found)]}

    def _on_vnet(self, _request: Request, parameters: Parameters) -> object:
        return self._vnet(parameters["ns"], parameters["vnet"])

    def _vnet(self, namespace: str, vnet_id: str) -> Json:
        network = self._find.network(namespace, vnet_id)
        return render_resources.vnet(self._era, namespace, network, self._bastions.of(namespace, network))

    def _on_ssh_keys(self, request: Request, parameters: Parameters) -> object:
        found = self._find.namespace(parameters["ns"]).key_pairs()
        if request.option == "id":
            return id_list(sorted(found))
        keys = [found[name] for name in sorted(found)]
        return {"sshKey": [render_resources.ssh_key(self._era, parameters["ns"], key) for key in keys]}

    def _on_ssh_key(self, _request: Request, parameters: Parameters) -> object:
        key = self._find.key_pair(parameters["ns"], parameters["key"])
        return render_resources.ssh_key(self._era, parameters["ns"], key)

    def _on_bastions(self, _request: Request, parameters: Parameters) -> object:
        return self._bastions.listed(parameters)

    def _on_set_bastion(self, _request: Request, parameters: Parameters) -> object:
        return self._bastions.add(parameters)

    def _on_remove_bastion(self, _request: Request, parameters: Parameters) -> object:
        return self._bastions.remove(parameters)


def _sorted(infra: Infra) -> list[Machine]:
    """Machines come in the order of their ids as text: g1-10 before g1-2."""
    return sorted(infra.machines, key=lambda machine: machine.id)


def _with_status_of(record: Record, polled: Record) -> Record:
    return replace(
        record,
        status=polled.status,
        target_status=polled.target_status,
        target_action=polled.target_action,
    )
