# Copyright (c) 2026 Cloud-Barista
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection
"""Virtual machines of CB-Tumblebug, whatever the era of its API.

vm         one machine, normalised from the JSON of any era
naming     host names, group names and variables of machines
transport  one HTTP GET
client     what Tumblebug is asked, its rate limit, its errors
key_files  SSH private keys on disk
fetch      all of it together: from an address to machines
"""
