"""The token, the password, and the passes that are given for them."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

PASS_SECONDS = 30 * 24 * 3600
"""How long a pass is good for; the browser drops it earlier, when it is closed."""

LEAST_TOKEN = 22
"""Characters of a token that cannot be guessed: 128 bits. Guesses at a shorter one are slowed."""

LEAST_PASSWORD = 8
_SCRYPT = {"n": 2**14, "r": 8, "p": 1, "dklen": 32}
"""16 MiB and some 50 ms for each attempt."""


@dataclass(frozen=True)
class Password:
    """A password, of which only a salted hash is kept."""

    salt: bytes = field(repr=False)
    digest: bytes = field(repr=False)

    @classmethod
    def of(cls, text: str) -> Password:
        """Hash a password."""
        salt = secrets.token_bytes(16)
        return cls(salt, _hashed(text, salt))

    def is_right(self, text: str) -> bool:
        """Whether this is the password; takes as long if it is not."""
        return hmac.compare_digest(_hashed(text, self.salt), self.digest)


def _hashed(text: str, salt: bytes) -> bytes:
    return hashlib.scrypt(text.encode("utf-8", "surrogatepass"), salt=salt, **_SCRYPT)


class Access:
    """What gets a visitor in.

    Args:
        token: In the printed address; `None`: there is none.
        password: Asked for on the first page; `None`: there is none.
        clock: Of the day, in seconds.
    """

    def __init__(
        self,
        token: str | None,
        password: Password | None = None,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.token, self.password, self._clock = token, password, clock
        # Made of the token, where one is given for good, so that passes outlive a new start.
        self._key = hmac.digest(
            token.encode() if token else secrets.token_bytes(32), b"passes of vidmem", "sha256"
        )

    @property
    def is_open(self) -> bool:
        """Whether everybody gets in."""
        return self.token is None and self.password is None

    @property
    def is_token_guessable(self) -> bool:
        """Whether guesses at the token have to be slowed."""
        return self.token is not None and len(self.token) < LEAST_TOKEN

    def is_token(self, text: str) -> bool:
        """Whether this is the token; takes as long if it is not."""
        own = self.token
        return own is not None and hmac.compare_digest(
            text.encode("utf-8", "surrogatepass"), own.encode()
        )

    def new_pass(self) -> str:
        """A pass, to be kept in a cookie: when it ends, a number, and a seal of both."""
        content = f"{int(self._clock()) + PASS_SECONDS}.{secrets.token_urlsafe(12)}"
        return f"{content}.{self._seal(content)}"

    def is_pass(self, text: str) -> bool:
        """Whether a pass is from here, and still good."""
        content, _, seal = text.rpartition(".")
        try:
            is_sealed = hmac.compare_digest(self._seal(content), seal)
            return is_sealed and int(content.partition(".")[0]) > self._clock()
        except (TypeError, ValueError):  # not ASCII
            return False

    def _seal(self, content: str) -> str:
        return hmac.new(self._key, content.encode("utf-8", "replace"), "sha256").hexdigest()


class Attempts:
    """Slows guesses: so many at once from one address, then one every few seconds.

    Args:
        burst: Wrong guesses in a row.
        seconds: Until one more is allowed.
        clock: In seconds.
    """

    MAX_PEERS = 2000

    def __init__(
        self, burst: int, seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._burst, self._seconds, self._clock = burst, seconds, clock
        self._lock = threading.Lock()
        self._used: dict[str, tuple[float, float]] = {}  # by peer: guesses that count, and when

    def begin(self, peer: str) -> float:
        """Count a guess; returns for how many seconds it has to wait, 0: it may be looked at."""
        with self._lock:
            now = self._clock()
            used = self._left(peer, now)
            if used + 1 > self._burst:
                return (used + 1 - self._burst) * self._seconds
            if len(self._used) >= self.MAX_PEERS:
                self._drop(now)
            self._used[peer] = (used + 1, now)
            return 0.0

    def forgive(self, peer: str) -> None:
        """The guess was right: it does not count."""
        with self._lock:
            self._used.pop(peer, None)

    def _left(self, peer: str, now: float) -> float:
        used, at = self._used.get(peer, (0.0, now))
        return max(0.0, used - (now - at) / self._seconds)

    def _drop(self, now: float) -> None:
        kept = {peer: (left, now) for peer in self._used if (left := self._left(peer, now)) > 0}
        if len(kept) >= self.MAX_PEERS:  # those that have guessed least
            least = sorted(kept, key=lambda peer: kept[peer][0])[: self.MAX_PEERS // 2]
            kept = {peer: used for peer, used in kept.items() if peer not in set(least)}
        self._used = kept
