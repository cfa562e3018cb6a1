# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What each route answers: authentication, limits, routing, then one method per route."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping

from lab.tumblebug import catalogue as catalogues
from lab.tumblebug import render_infra, render_resources
from lab.tumblebug.answers import Answer, Refused, Request
from lab.tumblebug.bastions import Bastions
from lab.tumblebug.catalogue import Catalogue
from lab.tumblebug.cloud import Cloud, CloudError
from lab.tumblebug.commands import Commands
from lab.tumblebug.control import Controls
from lab.tumblebug.create import Creation
from lab.tumblebug.deletion import Deletion
from lab.tumblebug.era import Era
from lab.tumblebug.estate import Estate, Infra, Namespace
from lab.tumblebug.gate import INFRA_REQUESTS_PER_S, Credentials, TokenBuckets
from lab.tumblebug.groups import Groups
from lab.tumblebug.holding import Holding
from lab.tumblebug.labels import Labels
from lab.tumblebug.lookup import Lookup, id_list, id_list_by_field
from lab.tumblebug.namespaces import Namespaces
from lab.tumblebug.offers import Offers
from lab.tumblebug.patience import Patience
from lab.tumblebug.records import Records
from lab.tumblebug.register import Register
from lab.tumblebug.render_shared import Json
from lab.tumblebug.reviews import Reviews
from lab.tumblebug.routes import Route, api_document, routes
from lab.tumblebug.shared import Sharing
from lab.tumblebug.tracking import Tracking
from lab.tumblebug.views import Views, in_order

Parameters = Mapping[str, str]
Handler = Callable[[Request, Parameters], object]


class Api:
    """CB-Tumblebug of one era over an estate.

    Args:
        era: how it answers.
        estate: the objects that exist at first.
        cloud: the machines behind them.
        credentials: user and password of the basic authentication.
        now: clock in seconds.
        wait: lets so many seconds pass, while a request waits for its end.
        catalogue: what can be bought.
        sharing: where new machines are put; by default in networks without any key.
    """

    def __init__(
        self,
        era: Era,
        estate: Estate,
        cloud: Cloud,
        *,
        credentials: Credentials,
        now: Callable[[], float],
        wait: Callable[[float], None] = time.sleep,
        catalogue: Catalogue | None = None,
        sharing: Sharing | None = None,
    ) -> None:
        self._era = era
        self._now = now
        self._patience = Patience(now, wait)
        self._cloud = cloud
        self._credentials = credentials
        self._catalogue = catalogue or catalogues.load()
        namespaces = dict(estate)
        self._find = Lookup(era, namespaces)
        self._records = Records(era, namespaces, cloud, now=now)
        self._register = Register(namespaces, self._records)
        self._views = Views(era, self._records)
        self._bastions = Bastions(era, self._find)
        self._tracking = Tracking(era)
        self._handlers = self._topics(sharing or Sharing(era, {}))
        self._routes = routes(era)
        self._limiter = TokenBuckets(era.requests_per_s)
        self._route_limiters = {
            route.handler: TokenBuckets(INFRA_REQUESTS_PER_S) for route in self._routes if route.limited
        }
        self._lock = threading.Lock()

    def _topics(self, sharing: Sharing) -> dict[str, Handler]:
        """The handlers that have a module of their own."""
        era, find, records, register = self._era, self._find, self._records, self._register
        holding, groups = Holding(), Groups(era, self._catalogue)
        deletion = Deletion(era, find=find, records=records, register=register, patience=self._patience)
        controls = Controls(era, find=find, records=records, deletion=deletion, holding=holding)
        creation = Creation(
            era,
            find=find,
            records=records,
            register=register,
            views=self._views,
            cloud=self._cloud,
            groups=groups,
            sharing=sharing,
            deletion=deletion,
            holding=holding,
            patience=self._patience,
        )
        commands = Commands(era, find=find, records=records, cloud=self._cloud)
        topics = (
            *(self._bastions, self._tracking, controls, creation, deletion, commands),
            Labels(era, find, register, self._views),
            Namespaces(era, find, register),
            Offers(era, self._catalogue),
            Reviews(era, self._catalogue, groups),
        )
        return {name: handler for topic in topics for name, handler in topic.handlers.items()}

    def answer(self, request: Request) -> Answer:
        """The answer to a request; never raises for what a client can send."""
        try:
            self._take(self._limiter, request)
            if request.method == "GET" and request.path in self._era.open_paths:
                return Answer(self._era.open_paths[request.path])
            self._credentials.check(request.headers)
            route, parameters = self._route(request)
            return self._tracking.tracked(
                request, route.handler, lambda: self._answered(route, request, parameters)
            )
        except Refused as refused:
            return refused.answer

    def _take(self, limiter: TokenBuckets, request: Request) -> None:
        with self._lock:
            limiter.take(request.client, self._now())

    def _answered(self, route: Route, request: Request, parameters: Parameters) -> Answer:
        try:
            return Answer(self._handled(route, request, parameters))
        except Refused as refused:
            return refused.answer
        except CloudError as error:
            return Answer({"message": str(error)}, 500)

    def _handled(self, route: Route, request: Request, parameters: Parameters) -> object:
        if route.limited:
            self._take(self._route_limiters[route.handler], request)
        is_system = route.for_system and parameters["ns"] == self._era.system_namespace
        if "ns" in parameters and not is_system:
            self._find.namespace(parameters["ns"])
        return self._handler(route)(request, parameters)

    def _handler(self, route: Route) -> Handler:
        own: Handler | None = getattr(self, f"_on_{route.handler}", None)
        return own or self._handlers[route.handler]

    def _route(self, request: Request) -> tuple[Route, Parameters]:
        for route in self._routes:
            parameters = route.match(request.method, request.path)
            if parameters is not None:
                return route, parameters
        raise Refused(404, "Not Found")

    def _on_document(self, _request: Request, _parameters: Parameters) -> object:
        return api_document(self._era)

    # --- infras ---

    def _on_infras(self, request: Request, parameters: Parameters) -> object:
        namespace = self._find.namespace(parameters["ns"])
        infras = sorted(namespace.infras.values(), key=lambda each: each.id)
        if request.option == "id":
            return id_list(each.id for each in infras)
        if request.option == "status":
            return {self._era.infra: [self._views.status(namespace, each) for each in infras]}
        return {self._era.infra: [self._views.listed(request, namespace, each) for each in infras]}

    def _on_infra(self, request: Request, parameters: Parameters) -> object:
        namespace = self._find.namespace(parameters["ns"])
        infra = self._find.infra(namespace, parameters["infra"], request.option)
        if request.option == "id":
            return self._machine_ids(request, namespace, infra)
        if request.option == "status":
            return {"status": self._views.status(namespace, infra)}
        if request.option == "accessinfo":
            return self._views.access(request, namespace, infra)
        return self._views.full(namespace, infra)

    def _machine_ids(self, request: Request, namespace: Namespace, infra: Infra) -> Json:
        key = request.query.get("filterKey", "")
        if not key:
            return id_list(each.id for each in in_order(infra))
        machines = [self._views.machine(namespace, infra, each.id) for each in in_order(infra)]
        return id_list_by_field(machines, key, request.query.get("filterVal", ""))

    # --- machines and groups ---

    def _on_machine(self, request: Request, parameters: Parameters) -> object:
        path = self._find.machine_path(parameters)
        record = self._records.stored(path)
        if request.option == "status":
            return render_infra.machine_status(self._era, path[:2], record)
        return render_infra.machine(self._era, path[:2], record)

    def _on_host_key(self, _request: Request, parameters: Parameters) -> object:
        path = self._find.machine_path(parameters)
        key = self._records.stored(path).host_key
        if not key:
            raise Refused(404, f"no SSH host key stored for node {path[2]}")
        return render_infra.host_key_info(key)

    def _on_forget_host_key(self, _request: Request, parameters: Parameters) -> object:
        path = self._find.machine_path(parameters)
        self._records.forget_host_key(path)
        return {"message": f"SSH host key of node {path[2]} has been reset"}

    def _on_nodes(self, request: Request, parameters: Parameters) -> object:
        namespace = self._find.namespace(parameters["ns"])
        wanted = [request.query.get(name, "") for name in ("filterKey", "filterVal")]
        nodes = [
            {"infraId": infra.id, **self._views.machine(namespace, infra, machine.id)}
            for infra in namespace.infras.values()
            for machine in in_order(infra)
        ]
        # The filters are substrings of the stored JSON, not of the named field.
        nodes = [node for node in nodes if all(text in json.dumps(node) for text in wanted)]
        if request.option == "id":
            return id_list(f"{node['infraId']}/{node['id']}" for node in nodes)
        return {"node": nodes}

    def _on_groups(self, _request: Request, parameters: Parameters) -> object:
        infra = self._find.infra(self._find.namespace(parameters["ns"]), parameters["infra"])
        return id_list(sorted({machine.group for machine in infra.machines if machine.group}))

    def _on_group(self, _request: Request, parameters: Parameters) -> object:
        infra = self._find.infra(self._find.namespace(parameters["ns"]), parameters["infra"])
        return id_list(each.id for each in in_order(infra) if each.group == parameters["group"])

    # --- networks and keys ---

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
