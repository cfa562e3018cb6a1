# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The data half of a WireGuard device: routes, seals and opens packets with sessions from the other half."""
