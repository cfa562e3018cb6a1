# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Moves packets between TUN and UDP; knows nothing of etcd or controllers."""
