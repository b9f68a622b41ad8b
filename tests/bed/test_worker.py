"""Somebody ends an execution, the worker, or Livy while jobs run: what becomes of each job is what YARN says."""

import contextlib
import dataclasses
import json
import os
import re
import time
import urllib.request
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
from bed.settings import ACCOUNT, REPOSITORY
from bed.waiting import wait_for

_JOBS = 3
# The state's HeartbeatSeconds are 60, and a third of them is the worker's period.
_HEARTBEAT_PERIOD_SECONDS = 20
# What YARN and Livy take to end an application, on a busy machine too.
_END_SECONDS = 60
_REFUSED = re.compile(r'step_functions_calls_total\{operation="SendTaskHeartbeat",result="token_over"\} (\d+)')
# Where a worker's process ends, and how many batches and applications there are by then.
_CRASHES = {"after-posting": 0}
if os.environ.get("EVERY_FAULT"):
    _CRASHES |= {"before-posting": 0, "before-concluded": 1}
# Three of them have to fit on the bed's node.
_SMALL = {"NumExecutors": 1, "DriverMemory": "512m", "ExecutorMemory": "512m"}


def applications(stage: Stage, prefix: str) -> list[Application]:
    """What YARN knows of a test's jobs."""
    return [application for application in stage.cluster.applications() if application.name.startswith(prefix)]


def gate(stage: Stage, prefix: str) -> Path:
    """The file for which a test's jobs wait: they run as long as the test needs, and no longer."""
    return stage.settings.folders.run / f"{prefix}-may-end"


def start_jobs(stage: Stage, prefix: str) -> list[str]:
    """Executions whose jobs all run."""
    arns = [
        stage.aws.start(stage.state_machine_arn, {"Parameters": {
            "Name": f"{prefix}-{number}", "File": stage.job("until.py"), "Args": [str(gate(stage, prefix))], **_SMALL,
        }})
        for number in range(_JOBS)
    ]

    def all_run() -> bool:
        return [application.state for application in applications(stage, prefix)] == ["RUNNING"] * _JOBS

    wait_for(all_run, PATIENCE_SECONDS, f"{_JOBS} jobs run")
    return arns


def check_ends(stage: Stage, prefix: str, arns: list[str]) -> None:
    """The jobs may end: every execution succeeds with an application of its own, and YARN knows no other."""
    running = [application.state for application in applications(stage, prefix)]
    assert running == ["RUNNING"] * _JOBS, "the jobs have not lived on"
    gate(stage, prefix).touch()
    executions = [stage.aws.follow_execution(arn, PATIENCE_SECONDS) for arn in arns]
    assert [execution.status for execution in executions] == ["SUCCEEDED"] * _JOBS, executions
    reported = sorted((execution.output or {}).get("applicationId", "") for execution in executions)
    seen = applications(stage, prefix)
    print("; ".join(f"{application.id} {application}" for application in seen))
    assert reported == [application.id for application in seen]
    assert {application.final_status for application in seen} == {"SUCCEEDED"}


def refused_heartbeats(stage: Stage) -> int:
    """How often Step Functions has told the worker that a token is over."""
    with urllib.request.urlopen(f"{stage.settings.url('worker')}/metrics", timeout=10) as answer:
        return sum(map(int, _REFUSED.findall(answer.read().decode())))


def batches(stage: Stage, prefix: str) -> list[str]:
    """The names of a test's batches that Livy has."""
    with urllib.request.urlopen(f"{stage.settings.url('livy')}/batches?size=1000", timeout=10) as answer:
        names = [batch["name"] or "" for batch in json.load(answer)["sessions"]]
    return [name for name in names if name.startswith(prefix)]


def test_an_execution_that_is_stopped_has_its_job_killed_at_the_next_heartbeat(a_stage: Stage) -> None:
    prefix = f"stopped-{a_stage.suffix}"
    job = {"Name": prefix, "File": a_stage.job("sleep.py"), "Args": [600], **_SMALL}
    arn = a_stage.aws.start(a_stage.state_machine_arn, {"Parameters": job})
    wait_for(lambda: [str(found) for found in applications(a_stage, prefix)] == ["RUNNING"], PATIENCE_SECONDS, "the job runs")
    assert len(batches(a_stage, prefix)) == 1
    refused = refused_heartbeats(a_stage)
    stopped = time.time()
    a_stage.aws.stepfunctions.stop_execution(executionArn=arn)
    assert a_stage.aws.follow_execution(arn, PATIENCE_SECONDS).status == "ABORTED"
    wait_for(
        lambda: [str(found) for found in applications(a_stage, prefix)] == ["KILLED/KILLED"],
        _HEARTBEAT_PERIOD_SECONDS + _END_SECONDS, "YARN says that it was killed",
    )
    wait_for(lambda: not batches(a_stage, prefix), _END_SECONDS, "Livy has no batch of it")
    # One heartbeat told the worker, and it needed no second one.
    assert refused_heartbeats(a_stage) == refused + 1
    (killed,) = applications(a_stage, prefix)
    print(f"killed {killed.finished - stopped:.1f} s after the execution was stopped")
    assert a_stage.aws.activity_errors(arn) == []


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


def test_a_worker_that_crashes_at_a_step_of_its_journal_goes_on_with_its_job(a_stage: Stage) -> None:
    worker = Process("worker", a_stage.settings.folders.run)
    try:
        for point, made_by_then in _CRASHES.items():
            worker.kill()
            crashes(a_stage, point, made_by_then)
    finally:
        worker.kill()
        programs.start_worker(a_stage.settings, a_stage.activity_arn)


def crashes(stage: Stage, point: str, made_by_then: int) -> None:
    """A worker's process ends at this point of a job's life, and the next one goes on."""
    prefix = f"crash-{point}-{stage.suffix}"
    activity_arn, state_machine_arn = own_activity(stage, prefix)
    # Its only poll is over once it has a task.
    crashing = programs.start_worker(stage.settings, activity_arn, "--slots", "1", crash_at=point)
    job = {"Name": prefix, "File": stage.job("pi.py"), "Args": [2], **_SMALL}
    arn = stage.aws.start(state_machine_arn, {"Parameters": job})
    wait_for(lambda: crashing.pid() is None, PATIENCE_SECONDS, f"the worker ends {point}")
    assert (len(applications(stage, prefix)), len(batches(stage, prefix))) == (made_by_then, made_by_then)
    # First it waits, for longer than the usual time-out, whether a POST arrived whose answer the dead process did not await.
    programs.start_worker(stage.settings, activity_arn, submit_timeout=120, goes_on=True)
    execution = stage.aws.follow_execution(arn, PATIENCE_SECONDS)
    assert execution.status == "SUCCEEDED", execution
    (application,) = applications(stage, prefix)
    print(f"{point}: {application.id} {application}")
    assert str(application) == "FINISHED/SUCCEEDED"
    assert (execution.output or {}).get("applicationId") == application.id
    assert len(batches(stage, prefix)) == 1
    # It was the task's own token, and no retry.
    assert stage.aws.activity_errors(arn) == []


def own_activity(stage: Stage, name: str) -> tuple[str, str]:
    """An activity to which no dead worker has a poll open, and its state machine."""
    stepfunctions = stage.aws.stepfunctions
    activity_arn = stepfunctions.create_activity(name=name)["activityArn"]
    definition = (REPOSITORY / "statemachines" / "spark-job.asl.json").read_text()
    made = stepfunctions.create_state_machine(
        name=name, definition=definition.replace("${ActivityArn}", activity_arn),
        roleArn=f"arn:aws:iam::{ACCOUNT}:role/{name}",
    )
    return activity_arn, made["stateMachineArn"]


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
