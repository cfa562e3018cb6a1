# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection
"""Images (operating systems): what Tumblebug's search is asked, and what it answers.

A wish is a mapping with the options of tumblebug_image_info; what is None does not matter.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from .._declarative import Document
from .._errors import NotFound, Unavailable
from .dialect import Dialect
from .operator import Operator
from .specs import check_architecture, spec_document

_CATALOGUE, _EARLY_CATALOGUE = "system", "system-purpose-common-ns"  # the second up to autumn 2024


def found_images(client: Operator, dialect: Dialect, wish: Mapping[str, Any]) -> list[Document]:
    """The images that are wished for, by as many requests as the release needs.

    Raises:
        NotFound: the spec, or the catalogue itself, does not exist.
        InvalidInput, Unauthorized, Unavailable: see ``wished_images`` and ``Client``.
    """
    catalogue = _catalogue(client, dialect)
    connection = ""
    if wish.get("spec") and not dialect.image_filters:
        connection = _connection_of(client, catalogue, wish["spec"])
    body = search_body(dialect, wish)
    answer = client.order("POST", f"/ns/{catalogue}/resources/searchImage", "search images", body=body)
    return wished_images(answer, wish, connection)


def _catalogue(client: Operator, dialect: Dialect) -> str:
    """The namespace in which Tumblebug keeps specs and images; most releases do not list it."""
    if dialect.era == "mcis" or (not dialect.image_filters and _EARLY_CATALOGUE in client.namespaces()):
        return _EARLY_CATALOGUE
    return _CATALOGUE


def _connection_of(client: Operator, catalogue: str, spec: str) -> str:
    found = client.order(
        "GET", f"/ns/{catalogue}/resources/spec/{quote(spec, safe='+')}", f"read spec {spec}"
    )
    if not isinstance(found, Mapping):
        raise NotFound(f"CB-Tumblebug has no spec {spec}.")
    return str(spec_document(found)["connection"])


def search_body(dialect: Dialect, wish: Mapping[str, Any]) -> Document:
    """What the search is asked; releases without filters search their names for keywords."""
    if not dialect.image_filters:
        return {"keywords": [word for key in ("provider", "region", "os") for word in _words(wish.get(key))]}
    wanted = {
        "providerName": wish.get("provider"),
        "regionName": wish.get("region"),
        "osType": wish.get("os"),
        "osArchitecture": wish.get("architecture"),
        "matchedSpecId": wish.get("spec"),
        "includeBasicImageOnly": wish["basic_only"],
        "includeDeprecatedImage": wish["deprecated"],
        "isGPUImage": wish.get("gpu"),
    }
    return {key: value for key, value in wanted.items() if value is not None}


def wished_images(answer: object, wish: Mapping[str, Any], connection: str = "") -> list[Document]:
    """The images of an answer that are wished for: basic ones first, of these the newest.

    Args:
        answer: decoded JSON of the search.
        wish: see ``search_body``.
        connection: the only one that is wanted, which is how releases without filters match a spec.

    Raises:
        Unavailable: the answer is none of Tumblebug's.
        InvalidInput: an architecture is wished, and the release knows none.
    """
    listed = answer.get("imageList", answer.get("image", "")) if isinstance(answer, Mapping) else ""
    if not isinstance(listed, (list, type(None))):
        raise Unavailable(f"CB-Tumblebug answers a search of images by {str(answer)[:80]}, which is no list.")
    images = [image_document(entry) for entry in listed or () if isinstance(entry, Mapping)]
    check_architecture(images, wish.get("architecture"), "images")
    found = [image for image in images if _is_wished(image, wish, connection)]
    found.sort(key=lambda image: image["id"])
    found.sort(key=lambda image: (bool(image["basic"]), image["created"]), reverse=True)
    return found[: wish["limit"] or None]


def _is_wished(image: Document, wish: Mapping[str, Any], connection: str) -> bool:
    """Checks again what the server has filtered, because keywords match anywhere."""
    if connection and image["connection"] != connection:
        return False
    if not wish["deprecated"] and image["status"].lower() in ("deprecated", "unavailable"):
        return False
    if wish.get("architecture") and image["architecture"] != wish["architecture"]:
        return False
    provider, region = (wish.get("provider") or "").lower(), (wish.get("region") or "").lower()
    if provider and image["provider"] not in ("", provider):
        return False
    if region and image["regions"] and region not in map(str.lower, image["regions"]):
        return False
    system = " ".join((image["os"], image["distribution"], image["name"], image["id"])).lower()
    return all(word in system for word in _words(wish.get("os")))


def image_document(image: Mapping[str, Any]) -> Document:
    """An image in the words of this collection; what older releases do not tell is empty or None."""
    connection = _text(image.get("connectionName"))
    provider = _text(image.get("providerName")).lower() or connection.partition("-")[0]
    regions = [_text(name) for name in image.get("regionList") or ()]
    region = connection.removeprefix(f"{provider}-")
    return {
        "id": _text(image.get("id")) or _text(image.get("cspImageName")),
        "name": _text(image.get("cspImageName")) or _text(image.get("name")),
        "provider": provider,
        "regions": regions or ([region] if region else []),
        "connection": connection,
        "os": _text(image.get("osType")) or _text(image.get("guestOS")),
        "distribution": _text(image.get("osDistribution")) or _text(image.get("description")),
        "platform": _text(image.get("osPlatform")),
        "architecture": _text(image.get("osArchitecture")),
        "basic": image.get("isBasicImage"),
        "gpu": image.get("isGPUImage"),
        "status": _text(image.get("imageStatus")) or _text(image.get("status")),
        "created": _text(image.get("creationDate")),
        "disk_gb": image.get("osDiskSizeGB") or None,
    }


def _words(text: str | None) -> list[str]:
    return (text or "").lower().split()


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""
