# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What AWX refuses, as its API says it: from AWX's own validation of surveys and credential types.

Each function gives the sentence of a refusal, or nothing.
"""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

Document = dict[str, Any]

QUESTION_TYPES = {
    "text": str,
    "textarea": str,
    "password": str,
    "multiplechoice": str,
    "multiselect": str,
    "integer": int,
    "float": float,
}
FIELD_KEYS = {
    "type", "format", "choices", "id", "label", "help_text", "multiline", "secret", "ask_at_runtime",
    "default",
}  # fmt: skip
RESERVED_VARIABLES = {"PATH", "PYTHONPATH", "VIRTUAL_ENV", "JOB_ID", "INVENTORY_ID", "INVENTORY_SOURCE_ID"}


def survey_refusal(survey: Document) -> str:
    """Why AWX does not take a survey."""
    for name, kind in (("name", str), ("description", str), ("spec", list)):
        if not isinstance(survey.get(name), kind):
            return f"Field '{name}' is missing from survey spec or of a wrong type."
    if not survey["spec"]:
        return "'spec' doesn't contain any items."
    variables = [question.get("variable") for question in survey["spec"]]
    if len(variables) != len(set(variables)):
        return "a variable is duplicated"
    return next(filter(None, map(_question_refusal, survey["spec"])), "")


def _question_refusal(question: Document) -> str:
    for name, kind in (("type", str), ("question_name", str), ("variable", str), ("required", bool)):
        if not isinstance(question.get(name), kind):
            return f"'{name}' missing from survey question or of a wrong type: {question}"
    if question["type"] not in QUESTION_TYPES:
        return f"'{question['type']}' is not one of the allowed question types."
    default = question.get("default", "")
    if default != "" and not isinstance(default, QUESTION_TYPES[question["type"]]):
        return f"Default value {default!r} expected to be {QUESTION_TYPES[question['type']].__name__}."
    if not all(isinstance(question.get(limit, 0), int) for limit in ("min", "max")):
        return "The limit is expected to be integer."
    return ""


def credential_type_refusal(credential_type: Document) -> str:
    """Why AWX does not take a credential type."""
    fields = credential_type["inputs"]["fields"]
    names = [field.get("id", "") for field in fields]
    if len(names) != len(set(names)) or "tower" in names:
        return 'field IDs must be unique, and "tower" is reserved'
    wrong = [set(field) - FIELD_KEYS for field in fields if set(field) - FIELD_KEYS or "label" not in field]
    if wrong or not all(re.fullmatch("[a-zA-Z_]+[a-zA-Z0-9_]*", name) for name in names):
        return f"inputs do not follow the schema: {wrong}"
    if not set(credential_type["inputs"].get("required", [])) <= set(names):
        return "a required field is not defined"
    return _injectors_refusal(credential_type["injectors"], names)


def _injectors_refusal(injectors: Document, names: list[str]) -> str:
    for variable in injectors.get("env", {}):
        if variable.startswith("ANSIBLE_") or variable in RESERVED_VARIABLES:
            return f"Environment variable {variable} may affect Ansible, so its use is not allowed."
    files = {label.partition(".")[2]: "EXAMPLE_FILENAME" for label in injectors.get("file", {})}
    namespace = dict.fromkeys(names, "EXAMPLE") | {
        "tower": SimpleNamespace(filename=SimpleNamespace(**files))
    }
    jinja = ImmutableSandboxedEnvironment(undefined=StrictUndefined)
    for key, template in [pair for kind in injectors.values() for pair in kind.items()]:
        try:
            jinja.from_string(template).render(namespace)
        except TemplateError as exc:
            return f"{key} uses an undefined field ({exc})"
    return ""
