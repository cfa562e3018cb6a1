# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The WireGuard protocol as sans-IO state machines."""
