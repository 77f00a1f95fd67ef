"""Going over a model's bouts: which first, how right the rest is, and where there is more alike."""

from vidmem.review.alike import EncodedStretch, SimilarStretch, find_alike
from vidmem.review.blind import BlindCheck, BlindSpan, draw_blind_spans
from vidmem.review.bouts import (
    ORDERS,
    Order,
    ReviewBout,
    class_probabilities_of,
    order_bouts,
    review_bouts,
)
from vidmem.review.estimate import (
    AccuracyEstimate,
    WorthChecking,
    estimate_accuracy,
    worth_checking,
)

__all__ = [
    "ORDERS",
    "AccuracyEstimate",
    "BlindCheck",
    "BlindSpan",
    "EncodedStretch",
    "Order",
    "ReviewBout",
    "SimilarStretch",
    "WorthChecking",
    "class_probabilities_of",
    "draw_blind_spans",
    "estimate_accuracy",
    "find_alike",
    "order_bouts",
    "review_bouts",
    "worth_checking",
]
