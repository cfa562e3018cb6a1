# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""``python -m lab``."""

import sys

from lab.cli import main

sys.exit(main())
