"""A model over a long video: settings, the stream, the engine, and what they leave behind."""

from vidmem.renamed import renamed_names
from vidmem.streaming.batching import framed_pixels
from vidmem.streaming.bouts import BoutTracker, ClassBout, ClassTotal, MomentScore, ScoreMerger
from vidmem.streaming.engine import Engine
from vidmem.streaming.feeds.feed import Feed, FeedRequest
from vidmem.streaming.feeds.live import LiveFeed, LiveLimits, PushedFeed
from vidmem.streaming.feeds.live_buffer import LiveBuffer
from vidmem.streaming.feeds.live_figures import LiveFigures
from vidmem.streaming.feeds.region_feeds import RegionFeeds
from vidmem.streaming.feeds.regions import Region
from vidmem.streaming.footprint import RunFootprint
from vidmem.streaming.history import Moment, Snapshot, StateHistory, neutral_pixels, revisit
from vidmem.streaming.past_run import SavedPlace, read_axes, read_class_names, read_predictions
from vidmem.streaming.pool.figures import PoolFigures, StreamFigures
from vidmem.streaming.pool.pool import StreamPool
from vidmem.streaming.prediction import Prediction, best_classes
from vidmem.streaming.run import VideoRun
from vidmem.streaming.saving.footprint_log import FootprintLog
from vidmem.streaming.saving.outputs import check_outputs
from vidmem.streaming.saving.predictions_csv import write_predictions
from vidmem.streaming.saving.run_files import RunFiles
from vidmem.streaming.settings import SettingsChange, StreamSettings, change_settings
from vidmem.streaming.stream import Stream, StreamState
from vidmem.streaming.watch import watch
from vidmem.streaming.whole import watch_whole
from vidmem.video.live.address import is_live
from vidmem.video.live.connection import ConnectionLimits
from vidmem.video.sampling import Window

__all__ = [
    "BoutTracker",
    "ClassBout",
    "ClassTotal",
    "ConnectionLimits",
    "Engine",
    "Feed",
    "FeedRequest",
    "FootprintLog",
    "LiveBuffer",
    "LiveFeed",
    "LiveFigures",
    "LiveLimits",
    "Moment",
    "MomentScore",
    "PoolFigures",
    "Prediction",
    "PushedFeed",
    "Region",
    "RegionFeeds",
    "RunFiles",
    "RunFootprint",
    "SavedPlace",
    "ScoreMerger",
    "SettingsChange",
    "Snapshot",
    "StateHistory",
    "Stream",
    "StreamFigures",
    "StreamPool",
    "StreamSettings",
    "StreamState",
    "VideoRun",
    "Window",
    "best_classes",
    "change_settings",
    "check_outputs",
    "framed_pixels",
    "is_live",
    "neutral_pixels",
    "read_axes",
    "read_class_names",
    "read_predictions",
    "revisit",
    "watch",
    "watch_whole",
    "write_predictions",
]

__getattr__ = renamed_names(
    __name__,
    {
        "Bout": "ClassBout",  # a bout of labels is vidmem.labels.Bout
        "MemoryLog": "FootprintLog",
        "RunMemory": "RunFootprint",
    },
)
