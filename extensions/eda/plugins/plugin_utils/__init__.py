# Copyright (c) 2026 Cloud-Barista
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection
"""What the event sources are made of.

arguments          reads and checks the arguments of a source
sse                text/event-stream, taken apart
network_view       what is known of networks and peers, and what changed
fleet_view         what is known of the VMs of CB-Tumblebug, and what changed
controller_stream  the event stream of one controller
state_file         what a source remembers across restarts
outlet             hands events to the rules
daemon_thread      runs what blocks beside the event loop
"""
