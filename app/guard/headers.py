"""Headers of every answer: what browsers must not do with it, and with the app's pages."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable

from starlette.datastructures import MutableHeaders

PAGE_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self' 'unsafe-eval'{scripts}",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self'",
        "media-src 'self'",
        "connect-src 'self'",
        "worker-src 'self'",
        "manifest-src 'self'",
        "base-uri 'self'",  # Gradio sets one
        "form-action 'none'",
        "frame-src 'none'",
        "frame-ancestors 'none'",
    )
)
"""Nothing from elsewhere, no frames either way, and no script that stands in the markup, but for
those of the page as it was served, by their hashes: text that gets into the markup stays text.
Gradio runs the scripts of its parts with `new Function`, and Svelte and Plotly write styles."""

SIGN_IN_POLICY = (
    "default-src 'none'; style-src {style}; img-src data:; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
BARE_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
"""Of answers that are no page: shown in a window of their own, they can do nothing."""

SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not `no-referrer`: forms would then be sent with the origin `null`.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=(), payment=(), usb=()",
}

_INLINE_SCRIPT = re.compile(rb"<script(?![^>]*\ssrc=)[^>]*>(.*?)</script>", re.DOTALL)


def secure(headers: MutableHeaders, policy: str = BARE_POLICY) -> None:
    """Add them to an answer; no other site may read it."""
    for name, value in SECURITY_HEADERS.items():
        headers[name] = value
    headers["Content-Security-Policy"] = policy
    for name in [name for name in headers if name.startswith("access-control-")]:
        del headers[name]


def page_policy(page: bytes) -> str:
    """The policy of a page: of the scripts in its markup, those that it was served with."""
    # A browser hashes the text with lines ended as HTML ends them.
    scripts = (text.replace(b"\r\n", b"\n") for text in _INLINE_SCRIPT.findall(page))
    return PAGE_POLICY.format(scripts="".join(f" {one}" for one in _hashes(scripts)))


def _hashes(scripts: Iterable[bytes]) -> list[str]:
    digests = {base64.b64encode(hashlib.sha256(one).digest()).decode() for one in scripts}
    return [f"'sha256-{digest}'" for digest in sorted(digests)]
