# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What a router does with packets that do not fit: functions from bytes to bytes."""
