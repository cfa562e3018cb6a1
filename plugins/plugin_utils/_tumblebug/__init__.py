# Copyright (c) 2026 Cloud-Barista
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection
"""From the virtual machines of CB-Tumblebug to hosts; how it is asked is in module_utils/_tumblebug.

options        which options there are
fetch          from an address to machines, bastions and keys
key_files      SSH keys on disk
selection      which machines become hosts
naming         host names, group names and variables of machines
host_keys      known_hosts files
routes         at which address a machine is reached
bastions       through which other machine
overlay        addresses in the CLADNet
ssh_variables  what Ansible's ssh needs for that
cladnet_groups which hosts are agents and controllers of a CLADNet
spread         controllers that stand far from each other
hosts          all of it written into Ansible's inventory
trust          which texts may count as plain text
"""
