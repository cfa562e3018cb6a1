# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""A simulator of CB-Tumblebug's REST API: three eras of it over one set of virtual machines.

estate     what exists: namespaces, infras, machines, networks, key pairs; register: every change of it
cloud      what the providers say and do: addresses, status, orders, actions, commands
           in memory (StaticCloud, whose commands run in sandbox) or in a lab (lab_cloud)
catalogue  what can be bought: specs and images of catalogue.yml
records    what Tumblebug remembers, which is not always what the cloud says
era        how one release names and shapes things
bodies     requests as Tumblebug reads them; render_*, views: the JSON of an era
api        who answers which route; gate: who may ask, and how often; server: HTTP

Topics of routes: create (with groups, shared, holding), deletion, control, commands, labels, offers (with
spec_search), reviews, namespaces, bastions, tracking.

Shapes are those of the published API documents. Texts, statuses and oddities were read in the source, of a
neighbouring version where the tag itself was not at hand. Not simulated: asynchronous commands with their
event stream, postCommands, templates, static creation with given networks, file transfer.
"""
