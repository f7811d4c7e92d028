"""With whom a sweep is done: by itself, with workers of its own, or with those of a scheduler."""

from typing import TYPE_CHECKING, NamedTuple

from drift.experiments.screen import remark

if TYPE_CHECKING:
    from drift.sim.sweeps.local import OpenExecutor

WORKERS = "Share the cells among N processes here; each takes an accelerator where there are some."
SCHEDULER = "Share the cells among the workers of the Dask scheduler there, tcp://HOST:PORT."


class Crew(NamedTuple):
    """The options of the same names."""

    workers: int | None
    scheduler: str | None

    @property
    def alone(self) -> bool:
        """Whether this process does it all."""
        return self.workers is None and self.scheduler is None

    def leave_out(self) -> None:
        """Say that what is told of the time leaves them out."""
        if not self.alone:
            remark("the time is that of this process alone, without workers")

    def gathering(self) -> "OpenExecutor":
        """What `sim.sweeps.sweep.sweep` takes. Raises BadInput for options that make no sense."""
        from drift.sim.errors import BadInput
        from drift.sim.sweeps import local
        from drift.sim.sweeps.workers import executor

        if self.workers is not None and self.scheduler is not None:
            raise BadInput("workers and scheduler are both given; a scheduler has workers already")
        if self.workers is not None:
            return executor.new_workers(self.workers)
        return (
            local.local_executor if self.scheduler is None else executor.workers_at(self.scheduler)
        )
