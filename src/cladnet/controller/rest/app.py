# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The application that an HTTP server runs."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.middleware import Middleware

from cladnet import __version__
from cladnet.controller.rest import connectivity, control, errors, events, networks, peers, unauthenticated
from cladnet.controller.rest.backend import Backend
from cladnet.controller.rest.middleware import Audit, LimitBody


def create_app(backend: Backend) -> FastAPI:
    """All operations of the API, on that backend."""
    app = FastAPI(
        title="CLADNet controller",
        version=__version__,
        openapi_url="/v1/openapi.json",
        docs_url=None,  # the pages behind these two would load scripts from elsewhere
        redoc_url=None,
        middleware=[Middleware(Audit), Middleware(LimitBody)],
    )
    app.state.backend = backend
    errors.install(app)
    for operations in (unauthenticated, networks, peers, control, connectivity, events):
        app.include_router(operations.router)
    return app
