# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The REST API: networks, peers and enrolments over HTTPS, described by OpenAPI."""
