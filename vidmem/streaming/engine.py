"""One model over one video: windows are read, judged and recorded, one after the other."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from vidmem.errors import VidmemError
from vidmem.streaming.prediction import Prediction
from vidmem.streaming.run import VideoRun


class Engine(VideoRun):
    """An iterator of predictions over one video.

    The feed decodes ahead in its own process while the model runs here. Iterate in one thread;
    `update`, `seek` and `close` may be called from any. However long the video, nothing is held but
    the newest window's pixels, and the stream's memory before and after it.

    A failing decoder raises a `DecoderError` after all that was predicted is safely written;
    iterating then ends, unless `seek` says where to go on.
    """

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Prediction:
        """The next window's prediction.

        Raises:
            DecoderError: If the video cannot be decoded any further.
            StorageError: If a prediction cannot be written, and `on_storage_error` is "stop".
        """
        try:
            with self.working():
                prediction = self._next()
        except VidmemError:
            # Closing in another thread wakes a read with an error: an end, and no failure.
            if not self.is_closed:
                raise
            prediction = None
        if prediction is None:
            raise StopIteration
        return prediction

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _next(self) -> Prediction | None:
        read = self.read()
        if read is None:
            return None
        return self.take(read, self.stream.step_batch(read.window, read.pixels))
