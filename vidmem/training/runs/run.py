"""One run: a network learns a task, is scored as it goes, and its best step is what remains."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from vidmem.errors import ModelError, VidmemError
from vidmem.models import save
from vidmem.models.device import resolve_device
from vidmem.training.loop import Loop, StepReport, hidden_matrices
from vidmem.training.runs.ahead import Batches
from vidmem.training.runs.config import TrainConfig
from vidmem.training.runs.ema import AveragedWeights
from vidmem.training.runs.events import Events
from vidmem.training.runs.folder import MODEL, RunFolder, RunScores
from vidmem.training.runs.kinds import CarriesState, Draw, HoldsModel, HoldsOpen, Task
from vidmem.training.runs.record import now, run_record
from vidmem.training.runs.together import Alone, Launched, Together, is_launched, own_device


class RunCancelledError(VidmemError):
    """A run was asked to end; its checkpoint is written, and it can go on from there."""


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a run is, beside its weights."""

    num_steps: int = 0
    best_step: int = 0
    """0: nothing was scored yet."""

    best_score: float = -math.inf
    num_waited: int = 0
    """Scores in a row without a better one."""

    losses: tuple[float, ...] = ()
    """Of the steps since the last check."""


def train_run(
    config: TrainConfig,
    folder: str | Path,
    *,
    device: str = "auto",
    toml: str | None = None,
    on_step: Callable[[StepReport], None] = lambda report: None,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> dict[str, float]:
    """Train as a config says, in a folder; a run that was begun there goes on.

    On the same machine and with as many threads, a run that was killed at any step and continued
    has the weights and metrics of one that was not, bit for bit. One that is done is not run again.

    Args:
        config: All that decides what comes of it.
        folder: See `vidmem.training.runs.folder`.
        device: `auto`, `cpu`, `cuda`, `cuda:1`, ...
        toml: The text that the config was read from, to be kept beside it.
        on_step: Called after each step.
        is_cancelled: Asked after each step.

    Returns:
        The scores of `test` after the step that was best on `valid`.

    Raises:
        SettingError: If the folder has a run of another config, or what the config names does not
            fit together.
        ModelError: If the loss stops being finite.
        RunCancelledError: If it was cancelled.
        StorageError: If the folder cannot be written, or another process trains there.
    """
    files, where = RunFolder(folder), resolve_device(own_device(device))
    together: Together = Launched(where) if is_launched() else Alone()
    with files.held() if together.rank == 0 else contextlib.nullcontext():
        together.from_first(lambda: files.begin(config, toml))
        if (done := files.scores()) is not None:
            return dict(done.test)
        run = _Run(config, files, where, together, on_step, is_cancelled)
        with _noted(files, run) if together.rank == 0 else contextlib.nullcontext():
            try:
                scores = run.to_the_end()
            finally:
                run.close()
        together.from_first(lambda: files.write_scores(scores))
    return dict(scores.test)


@contextlib.contextmanager
def _noted(files: RunFolder, run: _Run) -> Iterator[None]:
    """Note when a run began, and how it ended."""
    started = time.monotonic()
    files.add_record(run.record())
    try:
        yield
    except BaseException as error:
        files.finish_record({"ended": now(), "outcome": f"{type(error).__name__}: {error}"})
        raise
    seconds = round(time.monotonic() - started, 1)
    files.finish_record({"ended": now(), "seconds": seconds, "outcome": "done"})


def make_network(config: TrainConfig, task: Task, device: torch.device) -> nn.Module:
    """The network of a run, with its first weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        return config.model_kind.make(config.model, task.facts).to(device)


class _Run:
    """Weights, optimisers and progress of one run."""

    def __init__(
        self,
        config: TrainConfig,
        files: RunFolder,
        device: torch.device,
        together: Together,
        on_step: Callable[[StepReport], None],
        is_cancelled: Callable[[], bool],
    ) -> None:
        self._config, self._files, self._device = config, files, device
        self._together = together
        self._on_step, self._is_cancelled = on_step, is_cancelled
        self._task: Task = config.task_kind.make(config.task)
        self._network = make_network(config, self._task, device)
        self._loop = Loop(
            self._network.parameters(), config.optimizer.loop(), matrices=self._matrices()
        )
        decay = config.optimizer.ema
        self._average = AveragedWeights(self._network, decay) if decay else None
        self._progress = Progress()
        self._continue()
        self._batches = Batches(
            self._task,
            is_ahead=config.task_kind.reads_ahead,
            own_parts=together.own_parts(config.optimizer.accumulate),
            num_steps=config.optimizer.steps,
        )
        self._events = Events(files.path) if together.rank == 0 else None

    def record(self) -> dict[str, Any]:
        """What is noted of it as it begins."""
        counts = [p.numel() for p in self._network.parameters()]
        learned = [p.numel() for p in self._loop.learned]
        return {
            **run_record(self._device, self._config.seed),
            "processes": self._together.size,
            "first_step": self._progress.num_steps,
            "parameters": sum(counts),
            "learned_parameters": sum(learned),
        }

    def to_the_end(self) -> RunScores:
        """Learn what is left to learn, then score the best step."""
        with _own_chance(self._device):
            while not self._is_over():
                self._step()
            return self._final_scores()

    def close(self) -> None:
        """Let go of what is open."""
        if self._events is not None:
            self._events.close()
        self._batches.close()
        if isinstance(self._task, HoldsOpen):
            self._task.close()

    def _step(self) -> None:
        number, config = self._progress.num_steps, self._config
        self._network.train()
        try:
            report = self._loop.step(
                number,
                self._losses(number),
                share=1 / config.optimizer.accumulate,
                exchange=self._together.exchange,
            )
        except FloatingPointError as error:
            raise ModelError(
                f"{config.name}: {error}, now {config.optimizer.learning_rate:g}"
            ) from error
        done = number + 1
        if self._average is not None:
            self._average.update(done)
        losses = (*self._progress.losses, report.loss)
        self._progress = replace(self._progress, num_steps=done, losses=losses)
        is_better = self._is_check(done) and self._check(report)
        is_cancelled = self._together.from_first(self._is_cancelled)
        if is_better or is_cancelled or done % config.checkpoints.every == 0:
            checkpoint = self._checkpoint()
            self._together.from_first(lambda: self._files.write_last(checkpoint))
        self._on_step(report)
        if is_cancelled:
            raise RunCancelledError(f"{config.name} was ended after step {done}; it can go on")

    def _losses(self, number: int) -> Iterator[Tensor]:
        for draw in self._draws(number):
            batch = self._batches.batch(draw)
            torch.manual_seed(draw.torch_seed)
            with self._precision():
                yield self._task.loss(self._network, batch)

    def _draws(self, number: int) -> list[Draw]:
        """The parts of a step's batch that this process takes."""
        optimizer = self._config.optimizer
        return [
            Draw(
                seed=self._config.seed,
                step=number,
                part=part,
                num_parts=optimizer.accumulate,
                size=optimizer.batch,
            )
            for part in self._together.own_parts(optimizer.accumulate)
        ]

    def _is_check(self, done: int) -> bool:
        return done % self._config.stop.check_every == 0 or done == self._config.optimizer.steps

    def _is_over(self) -> bool:
        progress, patience = self._progress, self._config.stop.patience
        has_waited = bool(patience) and progress.num_waited >= patience
        return progress.num_steps >= self._config.optimizer.steps or has_waited

    def _check(self, report: StepReport) -> bool:
        """Score `valid`; whether it is the best so far."""
        progress = self._progress
        scores = self._together.from_first(lambda: self._score_now(report))
        score = next(iter(scores.values()))
        is_better = self._is_better(scores)
        progress = replace(progress, losses=())
        if is_better:
            best = score if not math.isnan(score) else -math.inf
            progress = replace(
                progress, best_step=progress.num_steps, best_score=best, num_waited=0
            )
        else:
            progress = replace(progress, num_waited=progress.num_waited + 1)
        self._progress = progress
        return is_better

    def _is_better(self, scores: Mapping[str, float]) -> bool:
        # A score that is no number is no better than any.
        progress = self._progress
        return progress.best_step == 0 or next(iter(scores.values())) > progress.best_score

    def _score_now(self, report: StepReport) -> dict[str, float]:
        """Score `valid`, note it, and keep the weights if they are the best."""
        progress = self._progress
        with self._scored_weights():
            scores = self._scores("valid")
            if self._is_better(scores):
                self._files.write_best(progress.num_steps, self._network.state_dict())
        numbers = {
            "loss": sum(progress.losses) / len(progress.losses),
            "learning_rate": report.learning_rate,
        }
        self._files.add_metrics({"step": progress.num_steps, **numbers, "valid": scores})
        if self._events is not None:
            named = {f"valid/{name}": value for name, value in scores.items()}
            self._events.add(progress.num_steps, numbers | named)
        return scores

    def _final_scores(self) -> RunScores:
        return self._together.from_first(self._score_best)

    def _score_best(self) -> RunScores:
        best = self._progress.best_step
        self._network.load_state_dict(self._files.best(best))
        if isinstance(self._network, HoldsModel):
            save(self._network.model, self._files.path / MODEL)
        return RunScores(
            best_step=best,
            num_steps=self._progress.num_steps,
            valid=self._scores("valid"),
            test=self._scores("test"),
        )

    def _scores(self, split: Any) -> dict[str, float]:
        self._network.eval()
        torch.manual_seed(self._config.seed)
        with torch.no_grad(), self._precision():
            return self._task.scores(self._network, split)

    def _scored_weights(self) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext() if self._average is None else self._average.in_place()

    def _precision(self) -> contextlib.AbstractContextManager[Any]:
        is_low = self._config.optimizer.precision == "bf16"
        return torch.autocast(self._device.type, torch.bfloat16, enabled=is_low)

    def _carried(self) -> dict[str, Any]:
        """What the tasks of all processes carry on, each that of its parts."""
        if not isinstance(self._task, CarriesState):
            return {}
        own = self._together.gathered(self._task.state_dict())
        return {name: value for state in own for name, value in state.items()}

    def _checkpoint(self) -> dict[str, Any]:
        return {
            "best_step": self._progress.best_step,
            "progress": asdict(self._progress),
            "network": self._network.state_dict(),
            "optimizers": self._loop.state_dict(),
            "average": self._average.state_dict() if self._average else {},
            "task": self._carried(),
        }

    def _continue(self) -> None:
        """Go on from the newest checkpoint, if there is one."""
        checkpoint = self._files.last()
        if checkpoint is not None:
            self._progress = Progress(**checkpoint["progress"])
            self._network.load_state_dict(checkpoint["network"])
            self._loop.load_state_dict(checkpoint["optimizers"])
            if self._average is not None:
                self._average.load_state_dict(checkpoint["average"])
            if isinstance(self._task, CarriesState):
                self._task.load_state_dict(checkpoint["task"])
        self._together.from_first(
            lambda: self._files.forget_metrics_after(self._progress.num_steps)
        )

    def _matrices(self) -> list[nn.Parameter]:
        """What Muon trains: linear layers inside the network, but not its heads and embeddings."""
        if self._config.optimizer.optimizer != "muon":
            return []
        outer = ("head", "embedding")
        named = self._network.named_modules()
        inner = [
            module
            for name, module in named
            if isinstance(module, nn.Linear) and not any(word in name for word in outer)
        ]
        return hidden_matrices(*inner)


@contextlib.contextmanager
def _own_chance(device: torch.device) -> Iterator[None]:
    """What torch draws in here changes nothing outside."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        yield
