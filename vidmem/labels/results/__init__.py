"""Results that a scientist publishes, from labels: agreement, scores, time budgets."""

from vidmem.labels.results.accounts import about_subject_of, as_whole_videos, labels_of_author
from vidmem.labels.results.agreement import (
    DEFAULT_INTERVAL_SECONDS,
    DEFAULT_TOLERANCE_SECONDS,
    Agreement,
    AgreementRow,
    AxisAgreement,
    agree,
)
from vidmem.labels.results.aligning import aligned
from vidmem.labels.results.budget import (
    BUDGET_COLUMNS,
    DENOMINATOR,
    BudgetRow,
    TimeBudget,
    time_budget,
)
from vidmem.labels.results.clock import Period
from vidmem.labels.results.events import EventAgreement, match_times
from vidmem.labels.results.figures import AgreementFigures
from vidmem.labels.results.filtering import BoutFilter, filter_bouts, filtered_labels
from vidmem.labels.results.intervals import ScoreInterval
from vidmem.labels.results.pairing import LeftOut, mark_all_scored, spans_said
from vidmem.labels.results.scores import BehaviourScore, MajorityScore, PredictionScore, score
from vidmem.labels.results.segments import EdgeErrors, SegmentalScore
from vidmem.labels.results.tables import (
    agreement_csv,
    budget_csv,
    confusion_csv,
    table_csv,
    transitions_csv,
)
from vidmem.labels.results.transitions import Transitions, transitions

__all__ = [
    "BUDGET_COLUMNS",
    "DEFAULT_INTERVAL_SECONDS",
    "DEFAULT_TOLERANCE_SECONDS",
    "DENOMINATOR",
    "Agreement",
    "AgreementFigures",
    "AgreementRow",
    "AxisAgreement",
    "BehaviourScore",
    "BoutFilter",
    "BudgetRow",
    "EdgeErrors",
    "EventAgreement",
    "LeftOut",
    "MajorityScore",
    "Period",
    "PredictionScore",
    "ScoreInterval",
    "SegmentalScore",
    "TimeBudget",
    "Transitions",
    "about_subject_of",
    "agree",
    "agreement_csv",
    "aligned",
    "as_whole_videos",
    "budget_csv",
    "confusion_csv",
    "filter_bouts",
    "filtered_labels",
    "labels_of_author",
    "mark_all_scored",
    "match_times",
    "score",
    "spans_said",
    "table_csv",
    "time_budget",
    "transitions",
    "transitions_csv",
]
