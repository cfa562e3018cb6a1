# Copyright (c) 2026 Cloud-Barista
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which texts Ansible may take for plain text."""

from __future__ import annotations

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, is_trusted_as_template
from ansible_collections.cloud_barista.cladnet.plugins.plugin_utils._tumblebug.trust import trust


@pytest.mark.parametrize("text", ["10.0.0.4", "", "}} %}", "a #jinja2: b"])
def test_plain_text_is_trusted(text: str) -> None:
    assert is_trusted_as_template(trust(text))
    assert trust(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "{{ lookup('pipe', 'id') }}",
        "{% set x = 1 %}",
        "{# comment #}",
        "#jinja2:variable_start_string:'[[', variable_end_string:']]'\n[[ lookup('pipe', 'id') ]]",
    ],
)
def test_what_can_be_a_template_is_not_trusted(text: str) -> None:
    assert not is_trusted_as_template(trust(text))
    assert Templar(loader=DataLoader()).template(trust(text)) == text


def test_containers_are_searched() -> None:
    trusted = trust(
        {"labels": {"good": "a", "bad": "{{ x }}"}, "list": ["a", "{{ x }}"], "port": 22, "none": None}
    )

    assert is_trusted_as_template(trusted["labels"]["good"])
    assert not is_trusted_as_template(trusted["labels"]["bad"])
    assert [is_trusted_as_template(each) for each in trusted["list"]] == [True, False]
    assert (trusted["port"], trusted["none"]) == (22, None)
