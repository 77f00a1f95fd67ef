"""One run: a network learns a task, is scored as it goes, and its best step is what remains."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from vidmem.errors import ModelError, VidmemError
from vidmem.models.device import resolve_device
from vidmem.training.loop import Loop, StepReport, hidden_matrices
from vidmem.training.runs.config import TrainConfig
from vidmem.training.runs.ema import AveragedWeights
from vidmem.training.runs.events import Events
from vidmem.training.runs.folder import RunFolder, RunScores
from vidmem.training.runs.kinds import CarriesState, Draw, Task
from vidmem.training.runs.record import now, run_record


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
    files = RunFolder(folder)
    with files.held():
        files.begin(config, toml)
        if (done := files.scores()) is not None:
            return dict(done.test)
        run = _Run(config, files, resolve_device(device), on_step, is_cancelled)
        started = time.monotonic()
        files.add_record(run.record())
        try:
            scores = run.to_the_end()
        except BaseException as error:
            outcome = f"{type(error).__name__}: {error}"
            files.finish_record({"ended": now(), "outcome": outcome})
            raise
        finally:
            run.close()
        seconds = round(time.monotonic() - started, 1)
        files.finish_record({"ended": now(), "seconds": seconds, "outcome": "done"})
        files.write_scores(scores)
    return dict(scores.test)


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
        on_step: Callable[[StepReport], None],
        is_cancelled: Callable[[], bool],
    ) -> None:
        self._config, self._files, self._device = config, files, device
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
        self._events = Events(files.path)

    def record(self) -> dict[str, Any]:
        """What is noted of it as it begins."""
        counts = [p.numel() for p in self._network.parameters()]
        learned = [p.numel() for p in self._loop.learned]
        return {
            **run_record(self._device, self._config.seed),
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
        self._events.close()

    def _step(self) -> None:
        number, config = self._progress.num_steps, self._config
        self._network.train()
        try:
            report = self._loop.step(
                number, self._losses(number), share=1 / config.optimizer.accumulate
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
        is_cancelled = self._is_cancelled()
        if is_better or is_cancelled or done % config.checkpoints.every == 0:
            self._files.write_last(self._checkpoint())
        self._on_step(report)
        if is_cancelled:
            raise RunCancelledError(f"{config.name} was ended after step {done}; it can go on")

    def _losses(self, number: int) -> Iterator[Tensor]:
        optimizer = self._config.optimizer
        for part in range(optimizer.accumulate):
            draw = Draw(
                seed=self._config.seed,
                step=number,
                part=part,
                num_parts=optimizer.accumulate,
                size=optimizer.batch,
            )
            batch = self._task.batch(draw)
            torch.manual_seed(draw.torch_seed)
            with self._precision():
                yield self._task.loss(self._network, batch)

    def _is_check(self, done: int) -> bool:
        return done % self._config.stop.check_every == 0 or done == self._config.optimizer.steps

    def _is_over(self) -> bool:
        progress, patience = self._progress, self._config.stop.patience
        has_waited = bool(patience) and progress.num_waited >= patience
        return progress.num_steps >= self._config.optimizer.steps or has_waited

    def _check(self, report: StepReport) -> bool:
        """Score `valid`; whether it is the best so far."""
        progress = self._progress
        with self._scored_weights():
            scores = self._scores("valid")
            score = next(iter(scores.values()))
            # A score that is no number is no better than any.
            is_better = progress.best_step == 0 or score > progress.best_score
            if is_better:
                self._files.write_best(progress.num_steps, self._network.state_dict())
        loss = sum(progress.losses) / len(progress.losses)
        self._files.add_metrics(
            {
                "step": progress.num_steps,
                "loss": loss,
                "learning_rate": report.learning_rate,
                "valid": scores,
            }
        )
        numbers = {f"valid/{name}": value for name, value in scores.items()}
        self._events.add(
            progress.num_steps, {"loss": loss, "learning_rate": report.learning_rate, **numbers}
        )
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

    def _final_scores(self) -> RunScores:
        best = self._progress.best_step
        self._network.load_state_dict(self._files.best(best))
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

    def _checkpoint(self) -> dict[str, Any]:
        task = self._task
        return {
            "best_step": self._progress.best_step,
            "progress": asdict(self._progress),
            "network": self._network.state_dict(),
            "optimizers": self._loop.state_dict(),
            "average": self._average.state_dict() if self._average else {},
            "task": task.state_dict() if isinstance(task, CarriesState) else {},
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
        self._files.forget_metrics_after(self._progress.num_steps)

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
