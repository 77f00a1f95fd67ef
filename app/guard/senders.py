"""Which page has sent a request: only the app's own may, and links may lead to its first page."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from app.guard import wording

PAGE = "/"
OWN_SITES = frozenset({"same-origin", "none"})
"""Of Sec-Fetch-Site: sent by a page of the app, or by the visitor, who typed the address."""


@dataclass(frozen=True)
class Refusal:
    """Why a request is not answered."""

    status: int
    sentence: str


def values_of(scope: Mapping[str, Any], name: str) -> list[str]:
    """The values of a header, of each time that it stands in a request."""
    wanted = name.encode()
    return [value.decode("latin-1") for key, value in scope["headers"] if key.lower() == wanted]


def check_host(scope: Mapping[str, Any], allowed: Collection[str]) -> str | Refusal:
    """The Host header in lower case, if the app has that name.

    Another page's script that calls the app by the page's own name, after that name was made to
    lead here, fails by this.
    """
    hosts = values_of(scope, "host")
    if len(hosts) != 1:
        return Refusal(400, wording.ONE_HOST.format(count=len(hosts) or "none"))
    # Gradio makes addresses of the name that a proxy says it was called by.
    for host in (*values_of(scope, "x-forwarded-host"), *hosts):
        if host.lower() not in allowed:
            return Refusal(421, _other_host(host))
    return hosts[0].lower()


def _other_host(host: str) -> str:
    from app.guard.hosts import is_host

    if not is_host(host):
        return wording.OTHER_HOST.format(host=repr(host[:100]))
    shown = host[:100]
    return wording.OTHER_HOST.format(host=shown) + wording.ALLOW_HOST.format(host=shown)


def check_sender(
    scope: Mapping[str, Any], host: str, *, may_be_encrypted: bool = False
) -> Refusal | None:
    """Whether a page of the app sends a request, or no page at all.

    Browsers say which page sends a request: in Origin, of everything with an effect, and in
    Sec-Fetch-Site, of everything. Nothing but a click on a link to the first page may come from
    another one.

    Args:
        scope: Of the request.
        host: Its Host header.
        may_be_encrypted: Whether browsers may reach the app by https, at a proxy.
    """
    schemes = ("http", "https") if may_be_encrypted or scope.get("scheme") == "https" else ("http",)
    origins = values_of(scope, "origin")
    own = {f"{scheme}://{host}" for scheme in schemes}
    if len(origins) > 1 or any(origin.lower() not in own for origin in origins):
        shown = ", ".join(origins)[:100]
        return Refusal(403, wording.OTHER_ORIGIN.format(origin=shown or "nowhere"))
    sites = values_of(scope, "sec-fetch-site")
    is_own = not sites or (len(sites) == 1 and sites[0].lower() in OWN_SITES)
    if not is_own and not is_link_to_page(scope):
        address = f"{schemes[-1]}://{host}"
        return Refusal(403, wording.OTHER_SITE.format(address=address))
    return None


def is_link_to_page(scope: Mapping[str, Any]) -> bool:
    """Whether a browser follows a link to the app's first page, in a window or tab of its own."""
    return (
        scope["type"] == "http"
        and scope["method"] in ("GET", "HEAD")
        and scope["path"] == PAGE
        and values_of(scope, "sec-fetch-mode") == ["navigate"]
        and values_of(scope, "sec-fetch-dest") == ["document"]
    )


def is_from_another_site(scope: Mapping[str, Any]) -> bool:
    """Whether another page led here; a browser then keeps the app's strict cookie back."""
    sites = values_of(scope, "sec-fetch-site")
    return bool(sites) and sites[0].lower() not in OWN_SITES
