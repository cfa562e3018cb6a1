# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""A simulator of CB-Tumblebug's REST API: three eras of it over one set of virtual machines.

estate    what was created: namespaces, infras, machines, networks, key pairs
cloud     what the providers say and do now: addresses, status, suspend, resume, reboot
records   what Tumblebug remembers, which is not always what the cloud says
era       how one release names and shapes things
render_*  records and estate as the JSON of an era
api       what each route answers; gate: who may ask, and how often; server: HTTP
"""
