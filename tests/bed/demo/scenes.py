"""What `make demo` shows: each scene plays one path, and checks it against what YARN itself says."""

from collections.abc import Callable
from typing import Any

from bed.cluster import Application
from bed.demo.aws import Execution, Stack, StackEvent
from bed.demo.stage import Stage
from bed.demo.timeline import Timeline

# A job takes 17 to 25 s on an idle machine with two cores, and a multiple of it on a busy one.
PATIENCE_SECONDS = 420.0
# The custom resources of the example templates.
_CUSTOM_TYPE = "Custom::SparkJob"

Scene = Callable[[Stage, Timeline], bool]


def batch_succeeds(stage: Stage, timeline: Timeline) -> bool:
    """A state machine runs Spark Pi through the worker."""
    job = {"Name": "Spark Pi", "File": stage.job("pi.py"), "Args": [4], "NumExecutors": 1}
    execution = _run(stage, timeline, {"Parameters": job})
    output = execution.output or {}
    application = _application(stage, output.get("applicationId"))
    return all((
        timeline.check(f"the execution SUCCEEDED ({execution.status})", execution.status == "SUCCEEDED"),
        timeline.check(f"YARN says of {output.get('applicationId')}: {application}", str(application) == "FINISHED/SUCCEEDED"),
        timeline.check(f"its output tells the state and the batch: {output.get('state')}, {output.get('batchId')}",
                       output.get("state") == "SUCCEEDED" and isinstance(output.get("batchId"), int)),
    ))


def batch_raises(stage: Stage, timeline: Timeline) -> bool:
    """A state machine runs a job that raises an exception: the traceback is in the cause."""
    execution = _run(stage, timeline, {"Parameters": {"Name": "Daily sales", "File": stage.job("raise.py")}})
    explanation = execution.explanation()
    timeline.excerpt(explanation.get("exception") or execution.cause or "no cause")
    application = _application(stage, explanation.get("applicationId"))
    cause = execution.cause or ""
    return all((
        timeline.check(f"the execution FAILED with {execution.error}",
                       (execution.status, execution.error) == ("FAILED", "SparkJob.Failed")),
        timeline.check("the cause has the Python traceback and the exception's own words",
                       "Traceback (most recent call last)" in cause and "no partition for day 2026-11-21" in cause),
        timeline.check(f"YARN says of {explanation.get('applicationId')}: {application}", str(application) == "FINISHED/FAILED"),
    ))


def stack_lives(stage: Stage, timeline: Timeline) -> bool:
    """A stack starts a streaming job, replaces it in an update, and stops it when it is deleted."""
    template = stage.example("streaming-job.yaml")
    parameters = stage.example_parameters(File=stage.job("sleep.py"), Args="3600", HealthySeconds="5")
    stack = stage.aws.create_stack(f"streaming-{stage.suffix}", template, parameters)
    created = _follow(stage, timeline, stack)
    first = stack.outputs()
    for name, value in first.items():
        timeline.event(f"output {name}", value)
    checks = [
        timeline.check(f"the stack is {created}", created == "CREATE_COMPLETE"),
        _is_running(stage, timeline, first.get("ApplicationId")),
    ]
    if not all(checks):
        return False

    stack.update(template, parameters | {"Revision": "2"})
    updated = _follow(stage, timeline, stack)
    second = stack.outputs()
    ended = _application(stage, first.get("ApplicationId"))
    checks += [
        timeline.check(f"the stack is {updated}", updated == "UPDATE_COMPLETE"),
        timeline.check(f"the job is a new application, {second.get('ApplicationId')}",
                       second.get("ApplicationId") not in (None, first.get("ApplicationId"))),
        _is_running(stage, timeline, second.get("ApplicationId")),
        timeline.check(f"YARN says of the old one, {first.get('ApplicationId')}: {ended}", ended is not None and not ended.lives),
    ]

    stack.delete()
    deleted = _follow(stage, timeline, stack)
    checks += [
        timeline.check(f"the stack is {deleted}", deleted == "DELETE_COMPLETE"),
        _nothing_lives(stage, timeline),
    ]
    return all(checks)


def stack_rolls_back(stage: Stage, timeline: Timeline) -> bool:
    """A stack whose job cannot start rolls back, and says why."""
    parameters = stage.example_parameters(File=stage.job("stream.py"))
    stack = stage.aws.create_stack(f"broken-{stage.suffix}", stage.example("streaming-job.yaml"), parameters)
    status = _follow(stage, timeline, stack)
    reason = stack.reason("StreamingJob")
    timeline.excerpt(reason)
    return all((
        timeline.check(f"the stack is {status}", status == "ROLLBACK_COMPLETE"),
        timeline.check("the reason names the file that is not there", "stream.py" in reason and "exist" in reason),
        _nothing_lives(stage, timeline),
    ))


SCENES: dict[str, Scene] = {
    "a. A state machine runs Spark Pi": batch_succeeds,
    "b. A state machine runs a job that raises an exception": batch_raises,
    "c. A stack starts, replaces and stops a streaming job": stack_lives,
    "d. A stack whose job cannot start": stack_rolls_back,
}


def _run(stage: Stage, timeline: Timeline, task: dict[str, Any]) -> Execution:
    watch = _Watch(stage, timeline)
    arn = stage.aws.start(stage.state_machine_arn, task)
    timeline.event("execution", "RUNNING", arn.rpartition(":")[2])
    execution = stage.aws.follow_execution(arn, PATIENCE_SECONDS, watch.look)
    watch.look()
    timeline.event("execution", execution.status, execution.error or "")
    return execution


def _follow(stage: Stage, timeline: Timeline, stack: Stack) -> str:
    watch = _Watch(stage, timeline)
    watch.look()

    def each(event: StackEvent) -> None:
        what = event.logical_id if event.resource_type == _CUSTOM_TYPE else f"stack {event.logical_id}"
        timeline.event(what, event.status, event.reason.partition("\n")[0][:150])

    status = stack.follow(PATIENCE_SECONDS, each, watch.look)
    watch.look()
    return status


class _Watch:
    """Prints each change of an application's state once."""

    def __init__(self, stage: Stage, timeline: Timeline) -> None:
        self._stage, self._timeline = stage, timeline
        self._known = {application.id: str(application) for application in stage.cluster.applications()}

    def look(self) -> None:
        """Asks the ResourceManager."""
        for application in self._stage.cluster.applications():
            if self._known.get(application.id) != str(application):
                self._known[application.id] = str(application)
                self._timeline.event(application.id, str(application), application.name)


def _application(stage: Stage, application_id: str | None) -> Application | None:
    return stage.cluster.application(application_id) if application_id else None


def _is_running(stage: Stage, timeline: Timeline, application_id: str | None) -> bool:
    application = _application(stage, application_id)
    return timeline.check(f"YARN says of {application_id}: {application}", str(application) == "RUNNING")


def _nothing_lives(stage: Stage, timeline: Timeline) -> bool:
    live = stage.cluster.live()
    names = ", ".join(application.id for application in live) or "none"
    return timeline.check(f"live applications in YARN: {names}", not live)
