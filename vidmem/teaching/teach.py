"""Teach a model one's own behaviours: from labels and videos to a model and a report of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

import vidmem
from vidmem.errors import SettingError
from vidmem.labels import Labels, read
from vidmem.models import (
    FamSwin,
    FeatureConfig,
    FeatureEncoder,
    FeatureStore,
    FollowedCrop,
    ModelCard,
    Preprocessing,
    Spool,
)
from vidmem.streaming import Region, StreamSettings
from vidmem.teaching.encoding import CancelledError, EncodingProgress
from vidmem.teaching.learners import (
    LEARNERS,
    MODEL_NAMES,
    Learner,
    LearnerFacts,
    LearnerKind,
)
from vidmem.teaching.learning import (
    Labelled,
    LearnConfig,
    Lesson,
    Teacher,
    fit_heads,
    fit_heads_within,
    is_gain,
    use_heads,
    windowed_values,
)
from vidmem.teaching.lessons import (
    Material,
    MaterialRequest,
    Sources,
    expected_videos,
    find_videos,
    gather,
)
from vidmem.teaching.linear import LinearHead
from vidmem.teaching.report.insight import calibrations, label_next, learning_curve
from vidmem.teaching.report.judged import judged_spans
from vidmem.teaching.report.report import (
    CandidateReport,
    CurvePoint,
    MemoryRow,
    SubjectScore,
    TeachReport,
    macro_f1_of,
)
from vidmem.teaching.report.scoring import Examination, Logits
from vidmem.teaching.samples import TaughtVideo
from vidmem.teaching.splits import Part, Split, SplitConfig
from vidmem.teaching.subjects import Regions, checked_regions
from vidmem.teaching.warm_start import Taught, WarmStart
from vidmem.units import span

WINDOW_SECONDS = 0.5
"""To each side, that the linear head over a window sees."""


BASELINES = tuple(name for name in LEARNERS if name not in MODEL_NAMES)
"""What the report holds a model against, beside the linear heads."""

MOST_SEED = 2**32 - 1
"""Both NumPy and torch take it, and as many again behind it."""


@dataclass(frozen=True, kw_only=True)
class TeachConfig:
    """One recipe for all networks."""

    model: str = "spool"
    """`spool` or `fam`."""

    name: str = "taught"
    """Short name of the model."""

    features: FeatureConfig = field(default_factory=FeatureConfig)
    feature_fps: float = 5.0
    """Feature frames per second; `features.encode_every` times as many frames are sampled. At 10 of
    them the time over which motion is measured is the same for every feature frame, in videos of
    15, 20, 25, 30, 50 and 60 frames per second; at 8 it would be now 3, now 4 frames of 30."""

    follow: float | None = None
    """Show the model a square that follows what moves, in place of the whole picture: its side, as
    a share of the shorter edge. `None`: the whole picture."""

    hide_clock: bool = True
    """Where a clock is burnt into a video, paint it over: its digits are no motion."""

    clip_seconds: float = 0.4
    """A prediction is of so much time."""

    memory_seconds: float = 20.0
    """That a FAM Swin remembers."""

    context_seconds: float = 8.0
    """Of a Spool's window."""

    reach_seconds: float = 1.0
    """That a Spool's heads look back and ahead."""

    axes: tuple[str, ...] = ()
    """Which ones; empty: all of which there are labels."""

    subject: str | None = None
    """Whose labels; None: of all that can be told apart, by regions or by videos."""

    split: SplitConfig = field(default_factory=SplitConfig)
    learn: LearnConfig = field(default_factory=LearnConfig)
    seed: int = 0
    num_seeds: int = 1
    """Times that each network is taught; the model is the first."""

    has_baselines: bool = True
    """Teach GRU and CBAS head, too, for the report."""

    has_curve: bool = True
    """Find out for the report what more labels would bring."""

    def __post_init__(self) -> None:
        if self.model not in MODEL_NAMES:
            raise SettingError(f"model must be {' or '.join(MODEL_NAMES)}, got {self.model!r:.60}")
        if not 0.5 <= self.feature_fps <= 15:
            raise SettingError(
                f"feature_fps must be from 0.5 to 15 per second, got {self.feature_fps:g}"
            )
        _ = self.followed_crop  # refuses an impossible share
        if self.num_seeds < 1:
            raise SettingError(f"num_seeds must be at least 1, got {self.num_seeds}")
        if not 0 <= self.seed <= MOST_SEED:
            raise SettingError(f"seed must be from 0 to {MOST_SEED}, got {self.seed}")
        for name in ("clip_seconds", "memory_seconds", "context_seconds", "reach_seconds"):
            value = getattr(self, name)
            if not 0 < value < 3600:
                raise SettingError(f"{name} must be above 0 and below 3600, got {value:g}")
        if self.reach_seconds > self.context_seconds:
            raise SettingError(
                "reach_seconds must be at most context_seconds, got "
                f"{self.reach_seconds:g} and {self.context_seconds:g}"
            )

    @property
    def fps(self) -> float:
        """Sampled frames per second."""
        return self.feature_fps * self.features.encode_every

    @property
    def followed_crop(self) -> FollowedCrop | None:
        """What of the pictures is taken; its place is one for the frames that motion compares."""
        if self.follow is None:
            return None
        return FollowedCrop(share=self.follow, every_frames=self.features.encode_every)

    @property
    def clip_frames(self) -> int:
        """Sampled frames of a clip: whole groups."""
        groups = max(1, round(self.clip_seconds * self.feature_fps))
        return groups * self.features.encode_every

    @property
    def filled_clip_frames(self) -> int:
        """Feature frames of a clip that is filled up where a video breaks off; 1: none is."""
        fills_clips = LEARNERS[self.model].fills_clips
        return self.clip_frames // self.features.encode_every if fills_clips else 1

    def facts(self, card: ModelCard) -> LearnerFacts:
        """What the networks have to fit to, but the encoder."""
        return LearnerFacts(
            features=self.features,
            card=card,
            memory_seconds=self.memory_seconds,
            context_seconds=self.context_seconds,
            reach_seconds=self.reach_seconds,
        )

    def request(self, regions: Regions, warm_start: WarmStart | None = None) -> MaterialRequest:
        """What has to be made of labels and videos for it.

        Raises:
            SettingError: If both regions and a followed square are asked for.
        """
        if regions and self.follow is not None:
            raise SettingError(
                "a model is shown either regions or a square that follows what moves; leave "
                "regions or follow out"
            )
        return MaterialRequest(
            features=self.features,
            feature_fps=self.feature_fps,
            split=self.apart,
            axes=self.axes,
            subject=self.subject,
            regions=regions,
            follow=self.followed_crop,
            hide_clock=self.hide_clock,
            clip_frames=self.filled_clip_frames,
            warm_start=warm_start,
        )

    @property
    def apart(self) -> SplitConfig:
        """The split, its parts at least so far apart that the model sees none from another."""
        seen = self.memory_seconds if self.model == "fam" else self.reach_seconds
        seen = max(seen, 1 / self.feature_fps)  # a Spool sees at least the next frame
        gap = max(self.split.gap_seconds, seen + self.clip_seconds)
        return replace(self.split, gap_seconds=gap)


@dataclass(frozen=True, kw_only=True)
class TeachProgress:
    """How far teaching is."""

    stage: str
    """What is being done, in words."""

    done: float
    """Of this stage, 0 to 1."""

    seconds_left: float | None = None
    """Of this stage; None: unknown."""

    split: Split | None = None
    """Given once, before a network learns."""

    quick_f1: float | None = None
    """Given once, before a network learns: macro-F1 of the better linear head, which is there at
    once. The mean over axes; `None`: undefined, too."""

    num_steps: int | None = None
    """Of a network that learns: the steps that it has done."""

    stop_loss: float | None = None
    """Given where it is looked whether to learn on: its mean loss after these steps on the time
    that tells when to stop. After 0 steps it is that of its linear head alone."""


Report = Callable[[TeachProgress], None]


def teach(  # noqa: PLR0913 - each is something that people name in one line of a script
    labels: Labels | str | Path,
    videos: str | Path | Sources,
    *,
    model: str | None = None,
    config: TeachConfig | None = None,
    regions: Regions | Sequence[Region] | str | Path | None = None,
    warm_start: str | Path | Taught | WarmStart | None = None,
    store: FeatureStore | None = None,
    progress: Report = lambda _: None,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> tuple[Spool | FamSwin, TeachReport]:
    """Teach a model on labels; time that nobody labelled is context, and never a negative.

    Args:
        labels: Of any number of videos, or a file of any format that `vidmem.labels.read` reads.
        videos: The folder of the videos, one file, or files by the names that the labels have.
        model: `spool` or `fam`, instead of the config's.
        config: The recipe; None: the usual one, of a correction that of the earlier model.
        regions: Parts of the picture that are taught and later watched each by itself; labels are
            of the region that their subject names. The same for all videos, by video (its name or
            a pattern such as `camera1*`), or a file of them (`vidmem.teaching.read_regions`).
        warm_start: Correct a model that was taught before, with more or other labels: its folder,
            or what this returned for it. Its image encoder, behaviours and held-out time stay, its
            network learns on for a few steps, and the report is shorter.
        store: Where features are kept, so that they are made once; None: in vidmem's cache.
        progress: Told of each stage.
        is_cancelled: Asked between batches and steps. Features that are made stay.

    Returns:
        The model, which streams and can be saved like any other, and how good it is on labelled
        time that was kept from it.

    Raises:
        LabelError: If the labels cannot be read without a problem, or cannot teach it; before any
            long work.
        SettingError: If a setting is impossible, or does not fit the earlier model.
        CheckpointError: If a folder has no model to correct.
        VidmemError: If a video, the image encoder or room for features is missing.
        CancelledError: If it was cancelled (`EncodingCancelledError` while encoding).
    """
    if not isinstance(labels, Labels):
        labels = read(labels, on_problem="stop")
    warm = None if warm_start is None else WarmStart.of(warm_start)
    config = config or (TeachConfig() if warm is None else TeachConfig(**warm.settings()))
    if model is not None:
        config = replace(config, model=model)
    started = time.perf_counter()
    material = prepare(
        labels,
        videos,
        config=config,
        regions=checked_regions(regions),
        warm_start=warm,
        store=store,
        progress=progress,
        is_cancelled=is_cancelled,
    )
    encoded = time.perf_counter() - started
    return Teaching(material, config, warm, progress, is_cancelled).run(encoding_seconds=encoded)


def prepare(  # noqa: PLR0913 - what `teach` is told
    labels: Labels,
    videos: str | Path | Sources,
    *,
    config: TeachConfig,
    regions: Regions | None = None,
    warm_start: WarmStart | None = None,
    store: FeatureStore | None = None,
    progress: Report = lambda _: None,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> Material:
    """All that is taught on: checked, split, encoded and reduced; see `teach`."""
    _check_streams(config)
    request = config.request(regions or {}, warm_start)
    if warm_start is not None:
        _check_fits(config, warm_start)
    sources = find_videos(labels, videos)
    return gather(
        labels,
        sources,
        request,
        expected=expected_videos(labels, sources, request),
        store=store or FeatureStore(),
        progress=lambda name, done: progress(_encoding(name, done)),
        is_cancelled=is_cancelled,
    )


def _check_fits(config: TeachConfig, warm: WarmStart) -> None:
    """See that a config is of the model that it is to correct, before any long work."""
    warm.check_features(config.features, config.followed_crop, config.fps, config.clip_frames)
    if warm.card.hides_clock and not config.hide_clock:
        raise SettingError(
            "the earlier model was taught with its videos' clock painted over; leave it so "
            "(hide_clock), or teach anew"
        )
    facts = replace(config.facts(warm.card), features=warm.features)
    with torch.random.fork_rng(devices=[]):
        warm.check_network(LEARNERS[config.model].make(facts).network)


def _check_streams(config: TeachConfig) -> None:
    """See that the model could be watched with: its clips and what it remembers have limits."""
    card = ModelCard(
        name=config.name,
        title=config.name,
        class_names=("one", "another"),
        fps=config.fps,
        clip_frames=config.clip_frames,
        window_stride=config.clip_frames,
    )
    try:
        with torch.random.fork_rng(devices=[]):
            StreamSettings.for_model(LEARNERS[config.model].make(config.facts(card)).network)
    except SettingError as error:
        raise SettingError(
            f"no stream could use a model taught like this: {error}. Change clip_seconds "
            f"({config.clip_seconds:g}), "
            + (
                f"memory_seconds ({config.memory_seconds:g})"
                if config.model == "fam"
                else f"reach_seconds ({config.reach_seconds:g}), context_seconds "
                f"({config.context_seconds:g})"
            )
            + f" or feature_fps ({config.feature_fps:g})"
        ) from error


@dataclass(frozen=True)
class Learned:
    """What came of teaching a network with one seed."""

    learner: Learner
    """Taught on all that is not kept to test with."""

    first: Learner
    """Taught without the time that told when to stop: it has not seen that, unless the earlier
    network that it began as had."""

    num_steps: int
    """0: the linear head alone."""

    continues_earlier: bool
    """It began as the network of the earlier model."""


@dataclass(frozen=True)
class _FittedHeads:
    """Linear heads, one for each axis."""

    heads: list[LinearHead]
    seconds: float
    """It took to fit them."""


class Teaching:
    """From features to a model and its report.

    Args:
        material: Of `prepare`.
        config: The same recipe.
        progress: Told of each stage.
        is_cancelled: Asked between steps.
    """

    def __init__(
        self,
        material: Material,
        config: TeachConfig,
        warm_start: WarmStart | None = None,
        progress: Report = lambda _: None,
        is_cancelled: Callable[[], bool] = lambda: False,
    ) -> None:
        self._material, self._config, self._warm = material, config, warm_start
        self._progress, self._is_cancelled = progress, is_cancelled
        self._split = material.split
        self._heads: dict[tuple[bool, int], _FittedHeads] = {}
        self._facts = replace(
            config.facts(self._card()),
            features=material.encoder.config,
            encoder=material.encoder,
        )

    def run(self, *, encoding_seconds: float) -> tuple[Spool | FamSwin, TeachReport]:
        """The model and its report."""
        started = time.perf_counter()
        self._progress(TeachProgress(stage="split", done=1.0, split=self._split))
        test, stop = self.examination("test"), self.examination("stop")
        linear = self._linear()
        known = [one.macro_f1 for one in linear if one.macro_f1 is not None]
        self._progress(
            TeachProgress(stage="linear heads", done=1.0, quick_f1=max(known, default=None))
        )
        learned, chosen = self._network(self._config.model)
        learner = learned.learner
        baselines = self._baselines() if self._config.has_baselines else []
        self._tell("scores")
        logits = self._logits(learner)
        model = self._model(learner)
        told = calibrations(stop, self._near(learned.first, stop), test, logits)
        earlier = self._earlier(test)
        report = TeachReport(
            model=self._config.model,
            axes=self._material.axes,
            split=self._split,
            candidates=(chosen, *baselines, *linear),
            memory_name=learner.remembers,
            memory=self._memory_rows(learner, test, chosen),
            curve=self._curve(test),
            calibration=told,
            suggestions=label_next(test, logits),
            judged=judged_spans(test, logits),
            latency_seconds=StreamSettings.for_model(model).latency_seconds,
            encoding_seconds=encoding_seconds,
            teaching_seconds=time.perf_counter() - started,
            subjects=self._subject_scores(learner, test),
            earlier=earlier,
            left_out=self._left_out(),
            facts=self._told(),
        )
        return model, report

    def _curve(self, test: Examination) -> tuple[CurvePoint, ...]:
        if not self._config.has_curve:
            return ()
        return learning_curve(test, lambda share: self._tell("what more labels bring", share))

    def _left_out(self) -> tuple[str, ...]:
        names = [] if self._config.has_baselines else [LEARNERS[one].title for one in BASELINES]
        return (*names, *(() if self._config.has_curve else ("what more labels would bring",)))

    def _earlier(self, test: Examination) -> CandidateReport | None:
        """How good the earlier model is, as it was."""
        if self._warm is None:
            return None
        kind = LEARNERS[self._config.model]
        learner = self._made(kind, self._config.seed)
        self._warm.put_weights(learner.network)
        learner.finish()
        return CandidateReport(
            name="earlier",
            title=f"{self._warm.card.title}, before",
            seeds=(test.score(self._near(learner, test)),),
        )

    def examination(self, part: Part) -> Examination:
        """The labelled time of a part."""
        return Examination(
            videos=self._material.videos,
            axes=self._material.axes,
            labels=self._material.labels,
            split=self._split,
            part=part,
        )

    def _network(self, name: str) -> tuple[Learned, CandidateReport]:
        """Teach a kind of network, with each seed; the first is kept."""
        kind, started = LEARNERS[name], time.perf_counter()
        test = self.examination("test")
        seeds = range(self._config.seed, self._config.seed + self._config.num_seeds)
        learned = [self.learned(kind, seed) for seed in seeds]
        seconds = time.perf_counter() - started
        report = CandidateReport(
            name=name,
            title=kind.title,
            seeds=tuple(test.score(self._near(one.learner, test)) for one in learned),
            num_steps=tuple(one.num_steps for one in learned),
            continues_earlier=learned[0].continues_earlier,
            seconds=seconds,
        )
        return learned[0], report

    def learned(self, kind: LearnerKind, seed: int) -> Learned:
        """First to find out how long to learn, then on all that is not kept to test with."""
        lesson, learn = self.lesson(is_final=False), self._config.learn
        first = self.fresh(kind, seed, is_final=False)
        earlier = self._continued(kind, seed, first, lesson)
        num_steps = self._teach(
            earlier or first, lesson, learn, seed, f"{kind.title}: how long to learn"
        )
        lesson = self.lesson(is_final=True)
        learner = self.fresh(kind, seed, is_final=True, continues_earlier=earlier is not None)
        if num_steps:
            learn = replace(learn, steps=num_steps)
            self._teach(learner, lesson, learn, seed, f"{kind.title}: learning")
        learner.finish()
        return Learned(learner, earlier or first, num_steps, earlier is not None)

    def _continued(
        self, kind: LearnerKind, seed: int, first: Learner, lesson: Lesson
    ) -> Learner | None:
        """The earlier network on new linear heads; None: it helps no more, or there is none.

        It has learnt from the time that tells, too, so that this is in favour of it. Time that is
        kept to test with has no part in it.
        """
        if self._warm is None or kind.name != self._config.model:
            return None
        earlier = self.fresh(kind, seed, is_final=False, continues_earlier=True)
        alone, on_top = (
            Teacher(
                one, lesson, self._config.learn, seed=seed, is_cancelled=self._is_cancelled
            ).stop_losses()
            for one in (first, earlier)
        )
        return earlier if is_gain(alone, on_top) else None

    def fresh(
        self, kind: LearnerKind, seed: int, *, is_final: bool, continues_earlier: bool = False
    ) -> Learner:
        """One that says what the linear head says, and what the earlier network adds to that."""
        learner = self._made(kind, seed)
        if continues_earlier:
            assert self._warm is not None
            self._warm.put_weights(learner.network)
        reach = learner.linear_head.reach_frames
        heads = fit_heads_within(lambda reach: self._fitted(is_final, reach).heads, reach)
        use_heads(learner, heads)
        return learner

    def _made(self, kind: LearnerKind, seed: int) -> Learner:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return kind.make(self._facts)

    def _fitted(self, is_final: bool, reach: int) -> _FittedHeads:
        """Linear heads that see so many frames to each side: fitted once for all who begin so."""
        if (is_final, reach) not in self._heads:
            self._tell("linear heads")
            started = time.perf_counter()
            heads = fit_heads(self.lesson(is_final=is_final), reach)
            self._heads[is_final, reach] = _FittedHeads(heads, time.perf_counter() - started)
        return self._heads[is_final, reach]

    def _teach(
        self, learner: Learner, lesson: Lesson, learn: LearnConfig, seed: int, stage: str
    ) -> int:
        """After how many steps it was best."""
        teacher = Teacher(learner, lesson, learn, seed=seed, is_cancelled=self._is_cancelled)
        return teacher.teach(self._on_step(stage, learn.steps)).num_steps

    def lesson(self, *, is_final: bool) -> Lesson:
        """What tells how long to learn; or, once that is known, all there is to learn from."""
        mask, split = self._split.mask, self._split
        return Lesson(
            axes=self._material.axes,
            feature_fps=self._config.feature_fps,
            learn=self._labelled(split.mask_learnt if is_final else lambda one: mask(one, "learn")),
            stop=() if is_final else self._labelled(lambda one: mask(one, "stop")),
        )

    def _labelled(
        self, mask_of: Callable[[TaughtVideo], NDArray[np.bool_]]
    ) -> tuple[Labelled, ...]:
        masks = ((video, mask_of(video)) for video in self._material.videos)
        return tuple(Labelled(video, mask) for video, mask in masks if mask.any())

    def _baselines(self) -> list[CandidateReport]:
        return [self._network(name)[1] for name in BASELINES]

    def _linear(self) -> list[CandidateReport]:
        """Logistic regression on each frame, and on a window around it."""
        reach = max(1, round(WINDOW_SECONDS * self._config.feature_fps))
        around = span(2 * reach / self._config.feature_fps)
        return [
            self._linear_report("window", f"Linear, {around} around", reach),
            self._linear_report("linear", "Linear, frame by frame", 0),
        ]

    def _linear_report(self, name: str, title: str, reach: int) -> CandidateReport:
        fitted, test = self._fitted(True, reach), self.examination("test")
        logits = {}
        for video in self._material.videos:
            if test.is_in(video).any():
                values = windowed_values(video, reach)
                logits[video.key] = np.concatenate([one.logits(values) for one in fitted.heads], 1)
        scores = (test.score(logits),)
        return CandidateReport(name=name, title=title, seeds=scores, seconds=fitted.seconds)

    @torch.no_grad()
    def _logits(self, learner: Learner) -> dict[str, Logits]:
        """Of whole videos."""
        return {
            video.key: learner.video(video.values, learner.full_memory).numpy()
            for video in self._material.videos
        }

    @torch.no_grad()
    def _near(
        self, learner: Learner, exam: Examination, memory: int | None = None
    ) -> dict[str, Logits]:
        """Of the time that is asked for, for less."""
        memory = learner.full_memory if memory is None else memory
        wanted = ((video, exam.is_in(video)) for video in self._material.videos)
        return {
            video.key: learner.near(video.values, is_in, memory).numpy()
            for video, is_in in wanted
            if is_in.any()
        }

    def _memory_rows(
        self, learner: Learner, test: Examination, chosen: CandidateReport
    ) -> tuple[MemoryRow, ...]:
        full = learner.full_memory
        rows = [
            (memory, words, test.score(self._near(learner, test, memory)))
            for memory, words in ((0, "off"), (full // 2, "half"))
            if memory < full
        ]
        rows.append((full, "full", chosen.seeds[0]))
        return tuple(
            MemoryRow(memory, f"{words}: {memory}", tuple(macro_f1_of(one) for one in scores))
            for memory, words, scores in rows
        )

    def _subject_scores(self, learner: Learner, test: Examination) -> tuple[SubjectScore, ...]:
        """Where there are several, of each."""
        videos = self._material.videos
        subjects = sorted({one.subject for one in videos if one.is_labelled.any()})
        if len(subjects) < 2:
            return ()
        logits, found = self._near(learner, test), []
        for subject in subjects:
            own = [one for one in videos if one.subject == subject]
            tested = _seconds(own, lambda video: self._split.mask(video, "test"))
            found.append(
                SubjectScore(
                    subject=subject,
                    labelled_seconds=_seconds(own, lambda video: video.is_labelled),
                    tested_seconds=tested,
                    macro_f1=tuple(
                        macro_f1_of(one) for one in test.of_subject(subject).score(logits)
                    ),
                )
            )
        return tuple(found)

    def _model(self, learner: Learner) -> Spool | FamSwin:
        model = learner.network
        assert isinstance(model, Spool | FamSwin)
        return model.requires_grad_(False).eval()

    def _card(self) -> ModelCard:
        axes = self._material.axes
        encoder: FeatureEncoder = self._material.encoder
        pictures: Preprocessing = encoder.backbone.preprocessing
        return ModelCard(
            **asdict(pictures),
            name=self._config.name,
            title=self._config.name,
            class_names=tuple(name for axis in axes for name in axis.class_names),
            axes=axes if len(axes) > 1 else (),
            fps=self._config.fps,
            clip_frames=self._config.clip_frames,
            window_stride=self._config.clip_frames,
            trained_on=self._trained_on(),
            follow=self._config.followed_crop,
            hides_clock=self._material.hides_clock,
        )

    def _trained_on(self) -> str:
        tested = self._split.tested_only
        learnt = [one for one in self._material.videos if one.key not in tested]
        names = _few([one.name for one in learnt])
        parts = [one for one in self._material.parts if one.key not in tested]
        regions = [one.region.name for one in parts if one.region is not None]
        of_regions = (
            f", of regions of the picture ({_few(regions)}): watch such regions with it"
            if regions
            else ""
        )
        return (
            f"Taught on {span(self._learnt_seconds())} of labels in {names}{of_regions}; on "
            "footage unlike that its labels mean nothing."
        )

    def _learnt_seconds(self) -> float:
        """Of labels, in the end: all but what was kept to test with."""
        return _seconds(self._material.videos, self._split.mask_learnt)

    def _told(self) -> Mapping[str, object]:
        config, warm = self._config, self._warm
        corrected = {} if warm is None else {"a correction of": warm.card.title}
        return {
            "title": config.name,
            **corrected,
            "videos": ", ".join(dict.fromkeys(one.name for one in self._material.videos)),
            **self._whose(),
            "learnt from": f"{span(self._learnt_seconds())} of labels",
            "encoder": config.features.backbone,
            "motion": "with" if config.features.has_motion else "without",
            **({} if config.follow is None else {"followed crop": config.follow}),
            **({"burnt-in clock": "painted over"} if self._material.hides_clock else {}),
            "feature frames per second": config.feature_fps,
            "seeds": config.num_seeds,
            "made with": f"vidmem {vidmem.__version__}",
        }

    def _whose(self) -> Mapping[str, object]:
        """Who was taught, and where each was seen."""
        found, parts = {}, self._material.parts
        subjects = sorted({one.subject for one in parts if one.subject})
        if subjects:
            found["subjects"] = ", ".join(subjects)
        places = {f"{one.region.name} at {one.region.place}" for one in parts if one.region}
        if places:
            found["regions"] = "; ".join(sorted(places))
        return found

    def _tell(self, stage: str, done: float = 0.0) -> None:
        """Of what follows, and see whether it is still wanted."""
        if self._is_cancelled():
            raise CancelledError
        self._progress(TeachProgress(stage=stage, done=done))

    def _on_step(self, stage: str, steps: int) -> Callable[[int, float | None], None]:
        started = time.perf_counter()

        def on_step(done: int, stop_loss: float | None) -> None:
            per_step = (time.perf_counter() - started) / done if done else None
            progress = TeachProgress(
                stage=stage,
                done=done / steps,
                seconds_left=None if per_step is None else per_step * (steps - done),
                num_steps=done,
                stop_loss=stop_loss,
            )
            self._progress(progress)

        return on_step


def _seconds(
    videos: Sequence[TaughtVideo], mask_of: Callable[[TaughtVideo], NDArray[np.bool_]]
) -> float:
    """How long feature frames last that are in a mask, in all."""
    lengths = ((one.end_seconds - one.start_seconds)[mask_of(one)].sum() for one in videos)
    return float(sum(lengths))


def _few(names: Sequence[str]) -> str:
    """Three of them."""
    known = list(dict.fromkeys(names))
    more = f" and {len(known) - 3} more" if len(known) > 3 else ""
    return ", ".join(known[:3]) + more


def _encoding(name: str, done: EncodingProgress) -> TeachProgress:
    if done.is_waiting:
        return TeachProgress(stage=f"waiting for {name}, which another program encodes", done=0.0)
    share = min(1.0, done.num_frames / max(1, done.total_frames))
    return TeachProgress(stage=f"encoding {name}", done=share, seconds_left=done.seconds_left)
