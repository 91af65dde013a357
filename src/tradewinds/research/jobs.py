"""Evaluations carried out here, in other processes, or on a Dask cluster."""

from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import lru_cache
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from tradewinds.config import Settings
from tradewinds.model.errors import ConfigError, DataError
from tradewinds.options import BacktestOptions
from tradewinds.research.trial import Stretch, Task, Trial, attempt, stretch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CONNECT_S: Final = 10


class Job(Struct, frozen=True, kw_only=True):
    """Everything an evaluation needs, small enough to send. The data is read where it runs."""

    settings: str
    options: BacktestOptions
    strategies: tuple[str, ...]
    start_ns: int
    end_ns: int

    @property
    def task(self) -> Task:
        """As it was before it was packed."""
        settings = Settings.model_validate_json(self.settings)
        return Task(settings=settings, options=self.options, strategies=self.strategies)


def job_of(task: Task, start_ns: int, end_ns: int) -> Job:
    """Pack a task."""
    return Job(
        settings=task.settings.model_dump_json(),
        options=task.options,
        strategies=task.strategies,
        start_ns=start_ns,
        end_ns=end_ns,
    )


def evaluate(job: Job, params: dict[str, Any]) -> Trial:
    """Try the parameters. Raises DataError where the data is not."""
    return attempt(loaded(job), params)


def loaded(job: Job) -> Stretch:
    """What a job is about. Each process reads the data once.

    Raises DataError where the data is not: a cluster's machines must see it under the same path.
    """
    path = job.options.path
    if path is not None and not path.exists():
        raise DataError(f"{path} is not on this machine; every worker must see the data there")
    return _read(job)


@lru_cache(maxsize=1)
def _read(job: Job) -> Stretch:
    return stretch(job.task, job.start_ns, job.end_ns)


def executor(workers: int, cluster: str) -> AbstractContextManager[Executor]:
    """Where evaluations are carried out. Raises ConfigError for a cluster that does not answer."""
    if cluster:
        return _dask(cluster)
    if workers > 1:
        # Spawned: reading Parquet leaves threads behind, which a fork would not survive.
        return ProcessPoolExecutor(workers, mp_context=get_context("spawn"))
    return nullcontext(Here())


def slots(workers: int, pool: Executor) -> int:
    """How many evaluations to keep going at once."""
    client = getattr(pool, "_client", None)
    return workers if client is None else max(1, sum(client.nthreads().values()))


class Here(Executor):
    """In this process, at once."""

    def submit(self, function: "Callable[..., Any]", /, *given: Any, **named: Any) -> "Future[Any]":
        """Done when it returns; an error is the caller's at once."""
        done: Future[Any] = Future()
        done.set_result(function(*given, **named))
        return done


@contextmanager
def _dask(address: str) -> "Iterator[Executor]":
    from distributed import Client

    connect: Any = Client
    try:
        client = connect(address, timeout=CONNECT_S)
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"--cluster {address}: no Dask scheduler answers there ({error}); start one with"
            " `dask scheduler` and workers with `dask worker ADDRESS`, in this environment"
        ) from error
    with client:
        if not client.nthreads():
            raise ConfigError(f"--cluster {address}: the scheduler has no workers")
        yield client.get_executor(pure=False, retries=1)
