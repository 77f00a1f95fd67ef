"""The kinds of tasks and networks that a config can name. A new kind gets a line here."""

from __future__ import annotations

from vidmem.training.runs.kinds import Form, NetworkKind, TaskKind
from vidmem.training.runs.sequences.feature_files import FEATURE_FILE
from vidmem.training.runs.sequences.networks import CBAS, FAM, GRU, SPOOL
from vidmem.training.runs.videos.clips import VIDEOS
from vidmem.training.runs.videos.lanes import STREAMS
from vidmem.training.runs.videos.networks.encoders import CBAS_CLIPS, GRU_CLIPS, IMAGE, SPOOL_CLIPS
from vidmem.training.runs.videos.networks.fam_on_encoder import FAM_ON_ENCODER
from vidmem.training.runs.videos.networks.fam_swin import FAM_SWIN_CLIPS, FAM_SWIN_LANES
from vidmem.training.runs.videos.networks.peers import PACKAGED, TRANSFORMERS
from vidmem.training.studies.questions_task import FOUR_QUESTIONS
from vidmem.training.studies.recall_task import DELAYED_RECALL
from vidmem.training.studies.whole_attention import FACTORISED, FULL

TASKS: dict[str, TaskKind] = {
    kind.name: kind for kind in (FEATURE_FILE, DELAYED_RECALL, FOUR_QUESTIONS, VIDEOS, STREAMS)
}
"""By the name that `task.kind` has."""

NETWORKS: dict[tuple[Form, str], NetworkKind] = {
    (kind.form, kind.name): kind
    for kind in (
        *(FAM, SPOOL, GRU, CBAS, FULL, FACTORISED),
        *(FAM_SWIN_CLIPS, SPOOL_CLIPS, IMAGE, GRU_CLIPS, CBAS_CLIPS, TRANSFORMERS, PACKAGED),
        *(FAM_SWIN_LANES, FAM_ON_ENCODER),
    )
}
"""By the form of the task, and the name that `model.kind` has."""
