# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection
"""CB-Tumblebug, whatever the era of its API, for the inventory and the modules.

vm         one machine, normalised from the JSON of any era
bastion    the jump hosts of subnets
transport  one HTTP request
client     what Tumblebug is asked, its rate limit, its errors
"""
