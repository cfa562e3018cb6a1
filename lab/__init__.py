# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Several simulated clouds with real systemd hosts on one Linux machine, for development, tests and demos."""
