"""A folder that keeps everything: ethogram, videos, labels, runs, and the way back."""

from vidmem.projects.blind_checks import BlindCheckList, KeptBlindCheck
from vidmem.projects.ethogram_editor import EthogramEditor
from vidmem.projects.feed import Changes, VideoChanges
from vidmem.projects.fingerprint import fingerprint
from vidmem.projects.history import EditHistory
from vidmem.projects.importing import ImportPreview
from vidmem.projects.journal import Edit, EditKind, EditMark
from vidmem.projects.label_store import LabelsAt, LabelStore
from vidmem.projects.project import Project
from vidmem.projects.runs import KeptRun, RunList, RunState
from vidmem.projects.storage.copies import DatabaseCopy
from vidmem.projects.storage.places import default_folder
from vidmem.projects.videos import ProjectVideo, StartFrom, VideoFacts, VideoList, VideoState

__all__ = [
    "BlindCheckList",
    "Changes",
    "DatabaseCopy",
    "Edit",
    "EditHistory",
    "EditKind",
    "EditMark",
    "EthogramEditor",
    "ImportPreview",
    "KeptBlindCheck",
    "KeptRun",
    "LabelStore",
    "LabelsAt",
    "Project",
    "ProjectVideo",
    "RunList",
    "RunState",
    "StartFrom",
    "VideoChanges",
    "VideoFacts",
    "VideoList",
    "VideoState",
    "default_folder",
    "fingerprint",
]
