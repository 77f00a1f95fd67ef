"""Scores of frames from their features alone, before anything that lies around them."""

from __future__ import annotations

from torch import Tensor, nn


class FeatureHead(nn.Linear):
    """Logits from the mean over the places of a frame; at first it says nothing.

    It is fitted by itself, and the rest of a network learns what to add to it.
    """

    def reset_parameters(self) -> None:
        """Zeros."""
        nn.init.zeros_(self.weight)
        nn.init.zeros_(self.bias)

    def forward(self, input: Tensor) -> Tensor:
        """Features `[B, T', P, F]` to logits `[B, T', num_classes]`, float32."""
        return super().forward(input.to(self.weight.dtype).mean(2)).float()
