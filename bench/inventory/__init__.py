# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The cost of an inventory: our plugin beside other clouds' plugins, and beside what Ansible itself needs."""
