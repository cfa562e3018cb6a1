# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The main job from nothing: clouds, hosts, simulator, collection, playbook, result. See scripts/demo."""
