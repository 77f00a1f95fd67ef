"""A tiny image encoder, and what a model taught on it finds in features that were kept."""

from __future__ import annotations

from dataclasses import replace

import torch

import vidmem
from tests.models.fam_on_features import make_backbone
from vidmem.models import Backbone
from vidmem.teaching.learners import FamLearner, SpoolLearner
from vidmem.teaching.lessons import reduced
from vidmem.teaching.stream_rows import stream_rows


def load_tiny(name, *, tokens_per_frame, preprocessing=None):
    """In the place of `load_backbone`: the only image encoder of this machine."""
    config = make_backbone().config
    if preprocessing is not None:
        config = replace(config, preprocessing=preprocessing)
    backbone = Backbone(replace(config, tokens_per_frame=tokens_per_frame)).eval()
    backbone.load_state_dict(make_backbone().state_dict())
    return backbone


def as_taught(features, model):
    """A learner with the model inside, and what it is taught on of a video, or region."""
    config = model.config.features
    state = {name: value.clone() for name, value in model.state_dict().items()}
    clip_frames = config.num_feature_frames(model.card.clip_frames)
    is_spool = isinstance(model, vidmem.models.Spool)
    learner = SpoolLearner(model) if is_spool else FamLearner(model, clip_frames)
    model.load_state_dict(state)  # a learner begins as its linear head
    rows = stream_rows(
        features,
        feature_fps=model.card.fps / config.encode_every,
        clip_frames=1 if is_spool else clip_frames,
    )
    return learner, reduced(model.encoder.reduction, features, rows), rows


def judged(features, model):
    """The probabilities of clips that the learner finds for a whole video, or region."""
    learner, values, _ = as_taught(features, model)
    with torch.no_grad():
        logits = learner.video(values, learner.full_memory)
    clip_frames = model.config.features.num_feature_frames(model.card.clip_frames)
    return logits.unflatten(0, (-1, clip_frames)).mean(1).softmax(1)
