# Copyright (c) 2026 Cloud-Barista
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection
"""From the virtual machines of CB-Tumblebug to hosts; how it is asked is in module_utils/_tumblebug.

naming     host names, group names and variables of machines
key_files  SSH private keys on disk
fetch      all of it together: from an address to machines
"""
