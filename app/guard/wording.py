"""Sentences of the guard: what was refused, and what to do."""

from __future__ import annotations

import shlex

ONE_HOST = "A request must have one Host header, got {count}."
OTHER_HOST = "This app does not answer to {host}."
ALLOW_HOST = " If that is a name of yours for it, start it with --allowed-host {host}."
OTHER_ORIGIN = (
    "The app answers its own pages only, and this request comes from {origin}. Behind a proxy, let "
    "the proxy pass the Host header on."
)
OTHER_SITE = "The app answers its own pages only, and another one sent this request. Open {address}"
FORWARDED = (
    "The app was started with --no-token, for this machine alone, and this request was forwarded "
    "by a proxy. Start it with --password for others."
)
NO_PASS = "You are not signed in. Open the address that the app printed when it started."
NO_PASS_PASSWORD = "You are not signed in. Open the app's first page and give the password."
TOO_LARGE = "A form of the sign-in page has a few hundred bytes, got more than {limit:,}."
TOO_SLOW = "The form did not arrive in time. Send it again."
BROKEN = "Something unexpected went wrong. The details are in the terminal of the app."

TITLE = "vidmem: sign in"
TOKEN_HEADING = "This app needs its token"
TOKEN_HINT = (
    "It stands in the address that the app printed in the terminal where it was started, after "
    "<code>?token=</code>. Open that address, or paste the token here."
)
TOKEN_LABEL = "Token"
PASSWORD_HEADING = "This app needs a password"
PASSWORD_HINT = "Whoever runs this app has it."
PASSWORD_LABEL = "Password"
ENTER = "Sign in"
WRONG_TOKEN = (
    "That is not the token. A new one is made each time the app starts: take the newest address."
)
WRONG_PASSWORD = "That is not the password."
GOING_ON = "Opening vidmem …"


def too_often(seconds: int) -> str:
    """Too many wrong guesses."""
    unit = "second" if seconds == 1 else "seconds"
    return f"Too many wrong attempts. Try again in {seconds} {unit}."


def needs_password(host: str) -> str:
    """Why the app does not start where others can reach it, with the line to type."""
    return (
        f"--host {host} lets other machines in, so it needs a password. Type:\n"
        f"  vidmem app --host {shlex.quote(host)} --password\n"
        "which asks for one, or give it in VIDMEM_PASSWORD or with --password-file FILE. "
        "For this machine alone, leave --host out."
    )


def needs_token(reason: str) -> str:
    """Why the app does not start without a token."""
    return f"--no-token is for this machine alone, and {reason}. Leave one of them out."


WITHOUT_TOKEN = (
    "WITHOUT A TOKEN (--no-token): every user and every program of this machine can use this app, "
    "see its videos and have it open addresses. For demos only."
)
PASSWORD_SHOWN = (
    "The password stands on the command line, where other users of this machine can read it, and "
    "in the history of your shell. Better: --password alone, which asks for it, VIDMEM_PASSWORD, "
    "or --password-file FILE."
)
SHORT_SECRET = "The {kind} has {count} characters, which can be guessed: take at least {least}."
EMPTY_PASSWORD = "the password is empty; give one of at least {least} characters"
NO_TERMINAL = (
    "--password without a value asks for it, and there is no terminal to ask on; "
    "give it in VIDMEM_PASSWORD or with --password-file FILE"
)
BAD_TOKEN = "VIDMEM_TOKEN must be printable ASCII without spaces, as it stands in an address"
BAD_HOST = (
    "--allowed-host must be a name as it stands in an address, such as lab.example.org or "
    "lab.example.org:8443, got {host!r}"
)
