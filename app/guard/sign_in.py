"""The page of somebody who is not signed in, and the one that leads on from another site."""

from __future__ import annotations

import base64
import hashlib
import html
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from app.guard import wording
from app.guard.headers import SIGN_IN_POLICY

FOLDER = Path(__file__).parent
MAX_FORM_BYTES = 4096
FORM_SECONDS = 15.0


@dataclass(frozen=True)
class SignInPage:
    """A page without scripts, that asks for the token or for the password.

    Args:
        base_style: The style of the app's pages.
        asks_for_password: And not for the token.
    """

    base_style: str
    asks_for_password: bool

    @cached_property
    def _style(self) -> str:
        return self.base_style + (FOLDER / "sign_in.css").read_text(encoding="utf-8")

    @cached_property
    def policy(self) -> str:
        """Its content security policy: its one style, and its form."""
        digest = base64.b64encode(hashlib.sha256(self._style.encode()).digest()).decode()
        return SIGN_IN_POLICY.format(style=f"'sha256-{digest}'")

    def text(self, error: str = "") -> str:
        """The page, with a sentence about what was given before."""
        words = (
            (wording.PASSWORD_HEADING, wording.PASSWORD_HINT, wording.PASSWORD_LABEL)
            if self.asks_for_password
            else (wording.TOKEN_HEADING, wording.TOKEN_HINT, wording.TOKEN_LABEL)
        )
        heading, hint, label = words
        shown = f'<p class="vm-sign-error" id="error" role="alert">{html.escape(error)}</p>'
        parts = {
            "title": wording.TITLE,
            "style": self._style,
            "heading": heading,
            "hint": hint,
            "label": label,
            "enter": wording.ENTER,
            "described": " error" if error else "",
            "error": shown if error else "",
        }
        page = (FOLDER / "sign_in.html").read_text(encoding="utf-8")
        return re.sub(r"\[\[(\w+)\]\]", lambda match: parts[match[1]], page)


def landing_page() -> str:
    """A page that asks for its own address again.

    A browser keeps a strict cookie back where another site led here; what this page asks for is
    asked by the app itself, so the cookie comes along.
    """
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="color-scheme" content="light dark">'
        f'<meta http-equiv="refresh" content="0"><title>{wording.GOING_ON}</title>'
        f'<p><a href="./">{wording.GOING_ON}</a></p></html>'
    )
