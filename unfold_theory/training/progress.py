"""Showing how far a training is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn


@dataclass(frozen=True)
class ProgressEvent:
    """State of a training after a validation.

    Attributes:
        stage: Stage, counted from 0.
        stages: Number of stages.
        depth: Layers that the stage trains.
        step: Steps of the stage that are done.
        steps: Most steps of the stage.
        rate: Largest learning rate in use.
        loss: Mean training loss since the last event; None before the first step.
        validation: Validation loss.
        best: Best validation loss of the stage.
        finished: Whether the stage ends here.
    """

    stage: int
    stages: int
    depth: int
    step: int
    steps: int
    rate: float
    loss: float | None
    validation: float
    best: float
    finished: bool

    @property
    def fraction(self) -> float:
        """Share of the stages that is done, from 0 to 1; early stopping makes it jump forward."""
        return (self.stage + (1.0 if self.finished else self.step / self.steps)) / self.stages


ProgressCallback = Callable[[ProgressEvent], None]


class RichProgress:
    """A bar on the terminal that can be passed as ``progress``; use it in a ``with`` statement.

    Args:
        title: Text in front of the bar.
        console: Where to draw; standard error by default.
    """

    def __init__(self, title: str, *, console: Console | None = None):
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f}% {task.fields[state]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console or Console(stderr=True),
        )
        self._task: TaskID = self._bar.add_task(title, total=1.0, state="")

    def __call__(self, event: ProgressEvent) -> None:
        """Draws the event."""
        state = f"depth {event.depth}, stage {event.stage + 1}/{event.stages}, loss {event.best:.3g}"
        self._bar.update(self._task, completed=event.fraction, state=state)

    def __enter__(self) -> RichProgress:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()
