"""What a mask is meant to do, said apart from the mask, so that the two can be held together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from vidmem.errors import SettingError
from vidmem.inspection.masks.checking.finding import FindingKind
from vidmem.inspection.masks.evaluation import MaskShape
from vidmem.inspection.masks.spec import check_at_least

Ids = Tensor | Sequence[int] | Sequence[Sequence[int]]


@dataclass(frozen=True, kw_only=True, eq=False)
class MaskIntent:
    """What is meant. What is left out is not checked; queries and keys are numbered from 0."""

    causal: bool = False
    """No query sees a key after its own."""

    window: tuple[int, int] | None = None
    """Keys before and after its own that a query sees, besides its own: `(4, 0)`, of five in all,
    its own is the last. Both edges are held to it exactly."""

    documents: Ids | None = None
    """The document of each key, `[K]` or `[B, K]`; no query sees another document."""

    prefix: int = 0
    """The first so many keys are seen by all, those before them included (prefix LM)."""

    sinks: int = 0
    """The first so many keys are seen by all that come after them, outside the window, too."""

    padding: Tensor | Sequence[bool] | Sequence[Sequence[bool]] | None = None
    """Which keys are padding, `[K]` or `[B, K]`, boolean; no query sees one."""

    keys_per_query: int | None = None
    """Keys that every query sees, those at the edges included (NATTEN)."""

    symmetric: bool = False
    """Where a query sees a key, the key's own query sees the query's own key."""

    heads_alike: bool | None = None
    """Whether all heads see the same; None: where they do not, that is noted."""

    batch_alike: bool | None = None
    """Whether all rows of the batch see the same; None: where they do not, that is noted."""

    first_query: int | None = None
    """The key that stands where query 0 does. None: the queries are the last of the keys, as in
    decoding with a cache; where there are as many of both, it is 0."""

    def __post_init__(self) -> None:
        check_at_least(0, prefix=self.prefix, sinks=self.sinks)
        if self.window is not None:
            check_at_least(0, **{"each of window": min(self.window)})
        if self.keys_per_query is not None:
            check_at_least(1, keys_per_query=self.keys_per_query)


@dataclass(frozen=True, eq=False)
class IntentRule:
    """One thing that was meant: the pairs that it hides, and the words for one that is seen."""

    kind: FindingKind
    hidden: Tensor
    """`[B or 1, 1, Q, K]`, boolean."""

    words: Callable[[int, int, int], str]
    """Of a batch row, a query and a key: why they should not meet."""


@dataclass(frozen=True, eq=False)
class IntendedMask:
    """An intent over given numbers of queries and keys."""

    intent: MaskIntent
    shape: MaskShape

    @cached_property
    def first_query(self) -> int:
        """The key that stands where query 0 does."""
        if self.intent.first_query is not None:
            return self.intent.first_query
        return max(0, self.shape.keys - self.shape.queries)

    @cached_property
    def ahead(self) -> Tensor:
        """`[1, 1, Q, K]`: how far each key is after the query's own place."""
        queries = torch.arange(self.shape.queries, dtype=torch.int32) + self.first_query
        keys = torch.arange(self.shape.keys, dtype=torch.int32)
        return (keys[None, :] - queries[:, None])[None, None]

    @cached_property
    def documents(self) -> Tensor | None:
        """`[B or 1, K]`."""
        if self.intent.documents is None:
            return None
        return self._of_keys("documents", torch.as_tensor(self.intent.documents))

    @cached_property
    def padding(self) -> Tensor | None:
        """`[B or 1, K]`, boolean."""
        if self.intent.padding is None:
            return None
        return self._of_keys("padding", torch.as_tensor(self.intent.padding).bool())

    def query_places(self) -> Tensor:
        """`[Q]`: the key that stands where each query does, the nearest one at the ends."""
        places = torch.arange(self.shape.queries) + self.first_query
        return places.clamp(0, self.shape.keys - 1)

    def rules(self) -> list[IntentRule]:
        """Every rule by which pairs are hidden."""
        made = (self._future(), *self._window(), self._documents(), self._padding())
        return [rule for rule in made if rule is not None]

    def hidden(self) -> Tensor:
        """`[B or 1, 1, Q, K]`: what no rule allows."""
        hidden = torch.zeros(1, 1, self.shape.queries, self.shape.keys, dtype=torch.bool)
        for rule in self.rules():
            hidden = hidden | rule.hidden
        return hidden

    def required(self) -> dict[FindingKind, Tensor]:
        """Pairs that must attend, by what asks for them, `[B or 1, 1, Q, K]`."""
        intent, shown = self.intent, ~self.hidden()
        if self.padding is not None:
            shown = shown & ~self.padding[:, None, self.query_places(), None]
        keys = torch.arange(self.shape.keys)
        required: dict[FindingKind, Tensor] = {}
        if intent.window is not None:
            back, ahead = intent.window
            required["window"] = (self.ahead >= -back) & (self.ahead <= ahead) & shown
        if intent.prefix:
            required["prefix"] = (keys < intent.prefix) & shown
        if intent.sinks:
            required["sink"] = (keys < intent.sinks) & (self.ahead <= 0) & shown
        return required

    def _future(self) -> IntentRule | None:
        if not self.intent.causal:
            return None
        hidden = self.ahead > 0
        if self.intent.prefix:
            hidden = hidden & (torch.arange(self.shape.keys) >= self.intent.prefix)

        def words(row: int, query: int, key: int) -> str:
            return f"{self.ahead[0, 0, query, key]} ahead: a query was meant to see no later key"

        return IntentRule("future", hidden, words)

    def _window(self) -> list[IntentRule]:
        if self.intent.window is None:
            return []
        back, ahead = self.intent.window
        keys = torch.arange(self.shape.keys)
        is_exempt = (keys < self.intent.prefix) | ((keys < self.intent.sinks) & (self.ahead <= 0))

        def behind(row: int, query: int, key: int) -> str:
            return f"{-self.ahead[0, 0, query, key]} back, where the window was meant to end {back}"

        def before(row: int, query: int, key: int) -> str:
            end = f"to end {ahead}" if ahead else "to have none"
            return f"{self.ahead[0, 0, query, key]} ahead, where the window was meant {end}"

        return [
            IntentRule("window", (self.ahead < -back) & ~is_exempt, behind),
            IntentRule("window", (self.ahead > ahead) & ~is_exempt, before),
        ]

    def _documents(self) -> IntentRule | None:
        documents = self.documents
        if documents is None:
            return None
        of_query = documents[:, self.query_places()]

        def words(row: int, query: int, key: int) -> str:
            at = row if len(documents) > 1 else 0
            own, other = int(of_query[at, query]), int(documents[at, key])
            return f"of document {other}, but is itself of document {own}"

        return IntentRule("document", (of_query[..., None] != documents[:, None])[:, None], words)

    def _padding(self) -> IntentRule | None:
        padding = self.padding
        if padding is None:
            return None
        is_real = ~padding[:, self.query_places()]
        hidden = (is_real[..., None] & padding[:, None])[:, None]
        return IntentRule("padding", hidden, lambda row, query, key: "which is padding")

    def _of_keys(self, name: str, values: Tensor) -> Tensor:
        values = values.cpu()
        values = values[None] if values.ndim == 1 else values
        batch, keys = self.shape.batch, self.shape.keys
        if values.ndim != 2 or values.shape[1] != keys or values.shape[0] not in (1, batch):
            raise SettingError(
                f"{name} must have shape [{keys}] or [{batch}, {keys}], one for each key, got "
                f"{list(values.shape)}"
            )
        return values
