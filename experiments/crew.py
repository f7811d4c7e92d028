"""With whom a sweep is done: by itself, with workers of its own, or with those of a scheduler."""

from typing import TYPE_CHECKING, NamedTuple

from drift.experiments.screen import remark

if TYPE_CHECKING:
    from drift.sim.counters import Gathering

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

    def gathering(self) -> "Gathering":
        """What `sim.sweeping.sweep` takes. Raises BadInput for options that make no sense."""
        from drift.sim import counters, there
        from drift.sim.errors import BadInput

        if self.workers is not None and self.scheduler is not None:
            raise BadInput("workers and scheduler are both given; a scheduler has workers already")
        if self.workers is not None:
            return there.new(self.workers)
        return counters.here if self.scheduler is None else there.at(self.scheduler)
