"""The worker, or Livy, is killed while jobs run: each execution ends with what YARN says, and has one application."""

import contextlib
import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from bed import livy
from bed.bed import LIVY, Bed
from bed.cluster import Application
from bed.demo import programs
from bed.demo.scenes import PATIENCE_SECONDS
from bed.demo.stage import Stage
from bed.process import Process
from bed.waiting import wait_for

_JOBS = 3
# Long enough for a worker or a Livy to be killed and to come back meanwhile.
_JOB_SECONDS = 45
# Three of them have to fit on the bed's node.
_SMALL = {"NumExecutors": 1, "DriverMemory": "512m", "ExecutorMemory": "512m"}


def applications(stage: Stage, prefix: str) -> list[Application]:
    """What YARN knows of a test's jobs."""
    return [application for application in stage.cluster.applications() if application.name.startswith(prefix)]


def start_jobs(stage: Stage, prefix: str) -> list[str]:
    """Executions whose jobs all run."""
    arns = [
        stage.aws.start(stage.state_machine_arn, {"Parameters": {
            "Name": f"{prefix}-{number}", "File": stage.job("sleep.py"), "Args": [_JOB_SECONDS], **_SMALL,
        }})
        for number in range(_JOBS)
    ]

    def all_run() -> bool:
        return [application.state for application in applications(stage, prefix)] == ["RUNNING"] * _JOBS

    wait_for(all_run, PATIENCE_SECONDS, f"{_JOBS} jobs run")
    return arns


def check_ends(stage: Stage, prefix: str, arns: list[str]) -> None:
    """Every execution has succeeded with an application of its own, and YARN knows no other."""
    executions = [stage.aws.follow_execution(arn, PATIENCE_SECONDS) for arn in arns]
    assert [execution.status for execution in executions] == ["SUCCEEDED"] * _JOBS, executions
    reported = sorted((execution.output or {}).get("applicationId", "") for execution in executions)
    seen = applications(stage, prefix)
    print("; ".join(f"{application.id} {application}" for application in seen))
    assert reported == [application.id for application in seen]
    assert {application.final_status for application in seen} == {"SUCCEEDED"}


def test_a_worker_that_is_killed_goes_on_with_its_jobs(a_stage: Stage) -> None:
    prefix = f"killed-worker-{a_stage.suffix}"
    arns = start_jobs(a_stage, prefix)
    Process("worker", a_stage.settings.folders.run).kill()
    programs.start_worker(a_stage.settings, a_stage.activity_arn, goes_on=True)
    check_ends(a_stage, prefix, arns)


def test_a_worker_that_is_upgraded_goes_on_with_its_jobs(a_stage: Stage) -> None:
    prefix = f"upgraded-worker-{a_stage.suffix}"
    arns = start_jobs(a_stage, prefix)
    # SIGTERM: its jobs are left to the next process. Open polls return within a minute.
    Process("worker", a_stage.settings.folders.run).stop(patience=90)
    programs.start_worker(a_stage.settings, a_stage.activity_arn, goes_on=True)
    check_ends(a_stage, prefix, arns)


@pytest.mark.parametrize("recovery", [False, True], ids=["recovery-off", "recovery-on"])
def test_a_livy_that_is_killed_changes_no_execution(bed: Bed, a_stage: Stage, recovery: bool) -> None:
    prefix = f"killed-livy-{'on' if recovery else 'off'}-{a_stage.suffix}"
    with livy_with(bed, recovery):
        arns = start_jobs(a_stage, prefix)
        bed.kill(LIVY.name)
        bed.start(LIVY.name)
        check_ends(a_stage, prefix, arns)


@contextlib.contextmanager
def livy_with(bed: Bed, recovery: bool) -> Iterator[None]:
    """Livy with or without recovery; afterwards as it was."""
    settings = bed.settings
    if settings.options.recovery == recovery:
        yield
        return
    other = dataclasses.replace(settings, options=dataclasses.replace(settings.options, recovery=recovery))
    state = Path(settings.folders.run, "livy-state")
    state.mkdir(exist_ok=True)
    bed.stop(LIVY.name)
    livy.write_configuration(other)
    bed.start(LIVY.name)
    try:
        yield
    finally:
        bed.stop(LIVY.name)
        livy.write_configuration(settings)
        bed.start(LIVY.name)
