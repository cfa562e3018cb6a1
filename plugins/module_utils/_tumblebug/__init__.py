# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection
"""CB-Tumblebug, whatever the era of its API, for the inventory and the modules.

Reading
  vm           one machine, normalised from the JSON of any era
  bastion      the jump hosts of subnets
  labels       selectors of labels
  transport    one HTTP request
  client       what Tumblebug is asked, its rate limit, its errors

Changing
  dialect      what the releases call the same requests
  bodies       the bodies of requests that make machines
  operator     one order, and where it stands
  progress     how far the machines of an infra are
  watch        looks until nothing goes on any more
  infra_state  what an infra is, and how it gets to what it shall be
  lifecycle    carries that out
  specs, images, command
               what is asked for sizes and systems of machines and for commands, and what is answered

Modules
  module       options, connection, how they fail
  infra_module, command_module
               the courses of tumblebug_infra and tumblebug_command
"""
