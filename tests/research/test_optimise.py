"""A search goes on where it was left, never looks at what is held out, and runs anywhere."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.research.made import DAY_NS, task_on
from tradewinds.model.errors import ConfigError
from tradewinds.research.optimise import Optimised, SearchPlan, Witness, optimise, split_of
from tradewinds.research.space import space_of
from tradewinds.research.trial import Task, Trial, span_of
from tradewinds.store.studies import studies_url

Write = Callable[..., Path]
RANGES = ("edge_min_bps=0.5:5",)


@pytest.fixture
def task(write_bars: Write, plant: Callable[..., None]) -> Task:
    plant(wavy="tests.research.planted:Wavy")
    return task_on(write_bars(24 * 30), {"wavy": {}})


def plan_for(task: Task, home: Path, trials: int, **changes: Any) -> SearchPlan:
    label, first, last = span_of(task)
    given: dict[str, Any] = {
        "study": "one",
        "storage": studies_url("", home),
        "home": home,
        "trials": trials,
        "objective": "sharpe",
        "held_out": 0.3,
        "workers": 1,
        "cluster": "",
        "seed": 1,
        "label": label,
        "start_ns": first,
        "end_ns": last,
    }
    return SearchPlan(**(given | changes))


def search(
    task: Task, plan: SearchPlan, ranges: tuple[str, ...] = ()
) -> tuple[Optimised, list[Trial]]:
    noted: list[Trial] = []
    space = space_of(task.settings, task.strategies, ranges)
    return optimise(task, space, plan, hearing(noted)), noted


def hearing(noted: list[Trial]) -> Witness:
    return Witness(noted=noted.append, swept=lambda _: None, told=lambda _: None)


def test_a_study_goes_on_where_it_was_left(task: Task, tmp_path: Path) -> None:
    first, noted = search(task, plan_for(task, tmp_path, 3))
    assert (first.trials, len(noted)) == (3, 6)
    again, more = search(task, plan_for(task, tmp_path, 5))
    assert (again.trials, len(more)) == (5, 5)
    seen = {tuple(trial.params.items()) for trial in noted[:3] + more[:2]}
    assert len(seen) == 5
    done, nothing = search(task, plan_for(task, tmp_path, 5))
    assert (done.trials, len(nothing)) == (5, 3)
    assert done.params == again.params


def test_the_search_never_sees_what_is_held_out(
    write_bars: Write, plant: Callable[..., None], tmp_path: Path
) -> None:
    plant(wavy="tests.research.planted:Wavy")
    found = []
    for name, changed in (("one", None), ("two", 24 * 21)):
        path = write_bars(24 * 30, name=name, changed_from=changed)
        task = task_on(path, {"wavy": {}})
        plan = plan_for(task, tmp_path / name, 4)
        assert (split_of(plan) - plan.start_ns) // DAY_NS == 20
        result, noted = search(task, plan)
        assert all(trial.end_ns <= split_of(plan) for trial in noted[:5])
        found.append(result)
    assert found[0].params == found[1].params
    assert found[0].searched == found[1].searched
    assert found[0].held_out != found[1].held_out


def test_a_study_of_something_else_is_not_continued(task: Task, tmp_path: Path) -> None:
    search(task, plan_for(task, tmp_path, 1))
    with pytest.raises(ConfigError, match="searched something else"):
        search(task, plan_for(task, tmp_path, 2, objective="return"))
    with pytest.raises(ConfigError, match="searched something else"):
        search(task, plan_for(task, tmp_path, 2), ranges=("look=5:9",))


def test_what_a_strategy_refuses_counts_as_a_trial_that_failed(task: Task, tmp_path: Path) -> None:
    found, noted = search(task, plan_for(task, tmp_path, 3), ("hold=1:2", "stop=10:20"))
    assert found.trials == 3
    assert found.params == {}
    assert found.score is None
    assert len(noted) == 3


def test_nothing_to_search_and_too_little_data_are_refused(task: Task, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nothing to search"):
        optimise(task, {}, plan_for(task, tmp_path, 1), hearing([]))
    short = plan_for(task, tmp_path, 1, end_ns=plan_for(task, tmp_path, 1).start_ns + DAY_NS)
    with pytest.raises(ConfigError, match="too short"):
        search(task, short)


def installed(write_bars: Write) -> Task:
    """Of a strategy that other processes find too."""
    return task_on(write_bars(24 * 12), {"triangular": {}})


def test_several_processes_search_one_study(write_bars: Write, tmp_path: Path) -> None:
    task = installed(write_bars)
    found, noted = search(task, plan_for(task, tmp_path, 3, workers=2), RANGES)
    assert found.trials == 3
    assert len({trial.params["triangular.edge_min_bps"] for trial in noted[:3]}) == 3


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[str]:
    """A scheduler and two workers of their own, on loopback, started as a person would."""
    file = tmp_path / "scheduler.json"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    environment = {**os.environ, "DASK_DISTRIBUTED__WORKER__MEMORY__TERMINATE": "False"}
    common = ["--no-dashboard", "--scheduler-file", str(file)]
    scheduler = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1"]
    processes = [
        subprocess.Popen([*scheduler, "--port", "0", *common], env=environment, **quiet)  # type: ignore[call-overload]
    ]
    worker = [sys.executable, "-m", "distributed.cli.dask_worker", "--nthreads", "1", "--no-nanny"]
    try:
        until = time.monotonic() + 60
        while not (file.exists() and file.stat().st_size) and time.monotonic() < until:
            time.sleep(0.05)
        for number in (1, 2):
            own = ["--local-directory", str(tmp_path / f"worker{number}"), *common]
            command = [*worker, "--host", "127.0.0.1", *own]
            processes.append(subprocess.Popen(command, env=environment, **quiet))  # type: ignore[call-overload]
        yield json.loads(file.read_text())["address"]
    finally:
        for process in reversed(processes):
            process.kill()
            process.wait(20)


def test_a_cluster_searches_and_finds_what_this_machine_finds(
    cluster: str, write_bars: Write, tmp_path: Path
) -> None:
    from distributed import Client

    task = installed(write_bars)
    connect: Any = Client
    with connect(cluster) as client:
        client.wait_for_workers(2, timeout=60)
    assert cluster.startswith("tcp://127.0.0.1:")
    there, noted = search(task, plan_for(task, tmp_path, 4, cluster=cluster), RANGES)
    assert there.trials == 4
    from tradewinds.research.jobs import evaluate, job_of

    plan = plan_for(task, tmp_path, 4)
    job = job_of(task, plan.start_ns, split_of(plan))
    assert evaluate(job, noted[0].params) == noted[0]


def test_a_cluster_sweeps_and_finds_what_this_machine_finds(
    cluster: str, write_bars: Write, tmp_path: Path
) -> None:
    from distributed import Client

    connect: Any = Client
    with connect(cluster) as client:
        client.wait_for_workers(2, timeout=60)
    quick = {"ema_fast_bars": 6, "ema_slow_bars": 20, "volume_factor": 0.0, "cooldown_bars": 2}
    task = task_on(write_bars(24 * 30), {"momentum": quick})
    ranges = ("breakout_bars=5:40", "stop_atr=1:4")
    found = []
    for where in (cluster, ""):
        plan = plan_for(task, tmp_path, 3, cluster=where, sweep=600, study=f"on {where}")
        found.append(search(task, plan, ranges)[0])
    assert found[0].swept is not None
    assert found[0].swept == found[1].swept
    assert found[0].swept.best
    assert found[0].trials == 3


def test_a_cluster_that_is_not_there_is_told(
    task: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tradewinds.research.jobs.CONNECT_S", 0.5)
    with pytest.raises(ConfigError, match="no Dask scheduler answers"):
        search(task, plan_for(task, tmp_path, 1, cluster="tcp://127.0.0.1:9"))


def test_studies_live_beside_the_journal_not_in_it(tmp_path: Path) -> None:
    assert studies_url("", tmp_path) == f"sqlite:///{tmp_path}/studies.db"
    journal = f"sqlite:///{tmp_path}/elsewhere.db"
    assert studies_url(journal, tmp_path) == f"sqlite:///{tmp_path}/studies.db"
