"""A model over a long video: settings, the stream, the engine, and what they leave behind."""

from vidmem.streaming.engine import Engine
from vidmem.streaming.feed import Feed, FeedRequest
from vidmem.streaming.history import Moment, Snapshot, StateHistory, neutral_pixels, revisit
from vidmem.streaming.live_buffer import LiveBuffer, LiveFigures
from vidmem.streaming.live_feed import LiveFeed, LiveLimits, PushedFeed
from vidmem.streaming.memory_log import MemoryLog
from vidmem.streaming.merging import Bout, BoutTracker, ClassTotal, MomentScore, ScoreMerger
from vidmem.streaming.pool import StreamPool
from vidmem.streaming.pool_figures import PoolFigures, StreamFigures
from vidmem.streaming.prediction import Prediction
from vidmem.streaming.record import write_predictions
from vidmem.streaming.recorder import RunFiles
from vidmem.streaming.region_feeds import RegionFeeds
from vidmem.streaming.regions import Region
from vidmem.streaming.run_memory import RunMemory
from vidmem.streaming.settings import StreamSettings
from vidmem.streaming.stream import Stream, StreamState
from vidmem.streaming.video_run import VideoRun
from vidmem.streaming.watch import watch
from vidmem.streaming.whole import watch_whole
from vidmem.video.live_address import is_live
from vidmem.video.live_connection import ConnectionLimits
from vidmem.video.sampling import Window

__all__ = [
    "Bout",
    "BoutTracker",
    "ClassTotal",
    "ConnectionLimits",
    "Engine",
    "Feed",
    "FeedRequest",
    "LiveBuffer",
    "LiveFeed",
    "LiveFigures",
    "LiveLimits",
    "MemoryLog",
    "Moment",
    "MomentScore",
    "PoolFigures",
    "Prediction",
    "PushedFeed",
    "Region",
    "RegionFeeds",
    "RunFiles",
    "RunMemory",
    "ScoreMerger",
    "Snapshot",
    "StateHistory",
    "Stream",
    "StreamFigures",
    "StreamPool",
    "StreamSettings",
    "StreamState",
    "VideoRun",
    "Window",
    "is_live",
    "neutral_pixels",
    "revisit",
    "watch",
    "watch_whole",
    "write_predictions",
]
