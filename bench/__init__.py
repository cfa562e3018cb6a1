# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Measurements of what this project does beside what others do, on one machine and in one run."""
