# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What a network card with offloads would do: checksums, and packets of one flow cut or joined in bulk."""
