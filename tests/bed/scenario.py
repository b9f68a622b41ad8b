"""Stacks with one Spark job each, for the tests of its life: what they declare, and what YARN says became of it."""

import json
import secrets
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bed.cluster import Application
from bed.demo.aws import Stack
from bed.demo.stage import Stage
from bed.logs import Since
from bed.settings import Settings
from bed.transcript import answers_to, requests_of
from bed.waiting import wait_for

# A job starts in some ten seconds on an idle machine with two cores, and in a multiple of it on a busy one.
PATIENCE_SECONDS = 240.0
# For ever, as far as a test is concerned.
FOREVER = {"File": "sleep.py", "Args": [3600]}
# Executors only once there is something for them to do: a job's life is tried, and each of them costs seconds.
_FRUGALLY = {
    "spark.dynamicAllocation.enabled": True, "spark.dynamicAllocation.shuffleTracking.enabled": True,
    "spark.dynamicAllocation.maxExecutors": 1,
}


class Scenario:
    """One stack's life, and the applications that came of it: no other job has this scenario's name."""

    def __init__(self, stage: Stage, stub_export_name: str, folder: Path) -> None:
        self.stage = stage
        self.name = f"life-{secrets.token_hex(4)}"
        self.provider = stage.export_name
        self._stub, self._folder = stub_export_name, folder
        self._begun = time.time()

    @property
    def settings(self) -> Settings:
        """Where the parts of the bed are."""
        return self.stage.settings

    def create(self, job: dict[str, Any] | None = FOREVER, beside: dict[str, Any] | None = None, **properties: Any) -> Stack:
        """Begins to create the stack: a job, its resource's properties, and perhaps what is told to a stub beside it."""
        return self.stage.aws.create_stack(self.name, self._template(job, beside, properties), {})

    def update(
        self, stack: Stack, job: dict[str, Any] | None = FOREVER, beside: dict[str, Any] | None = None, **properties: Any
    ) -> None:
        """Begins to update it."""
        stack.update(self._template(job, beside, properties), {})

    def delete(self, stack: Stack) -> None:
        """Deletes it and waits until it is deleted."""
        stack.delete()
        self.becomes(stack, "DELETE_COMPLETE")

    def batch(self) -> dict[str, Any] | None:
        """The batch of this scenario that Livy knows, if there is one."""
        with urllib.request.urlopen(f"{self.settings.url('livy')}/batches?size=1000", timeout=10) as answer:
            batches = json.load(answer)["sessions"]
        return next((batch for batch in batches if (batch["name"] or "").startswith(f"{self.name}-")), None)

    def becomes(self, stack: Stack, status: str, look: Callable[[], None] = lambda: None) -> None:
        """Waits for the end of an operation, looking at each round; the stack must then have this status."""
        ended = stack.follow(PATIENCE_SECONDS, look=look)
        if ended != status:
            events = (f"{event.logical_id} {event.status} {event.physical_id}: {event.reason}" for event in stack.events())
            raise AssertionError("\n".join((f"{ended}, where {status} was expected", *events, self.table())))

    def applications(self) -> list[Application]:
        """Those that ever came of this scenario, oldest first."""
        return [found for found in self.stage.cluster.applications() if found.name.startswith(f"{self.name}-")]

    def live(self) -> list[Application]:
        """Those that have not ended."""
        return [application for application in self.applications() if application.lives]

    def the_live_one(self) -> Application:
        """The one application that lives."""
        (application,) = self.live()
        return application

    def wait_until_running(self) -> Application:
        """Waits until the one application that lives runs."""
        wait_for(lambda: [found.state for found in self.live()] == ["RUNNING"], PATIENCE_SECONDS, "one application runs")
        return self.the_live_one()

    def overlaps(self) -> list[tuple[str, str]]:
        """Which applications lived at one time, by their start and end in YARN's history."""
        history = self.applications()
        return [
            (one.id, other.id) for number, one in enumerate(history) for other in history[number + 1:]
            if other.started < (one.finished or time.time()) and one.started < (other.finished or time.time())
        ]

    def requests(self, stack: Stack) -> list[dict[str, Any]]:
        """The requests to the job's resource that are over, in full."""
        return requests_of(self.settings, stack, "Job")

    def answers(self, request: dict[str, Any]) -> list[dict[str, Any]]:
        """Every answer to a request."""
        return answers_to(self.settings, request)

    def table(self) -> str:
        """The applications, for people."""
        rows = [("application", "batch", "started", "finished", "final status")]
        rows += [
            (found.id, found.name, self._time(found.started), self._time(found.finished), str(found))
            for found in self.applications()
        ]
        widths = [max(map(len, column)) for column in zip(*rows)]
        return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)

    def end(self) -> None:
        """Says what became of everything, and lets nothing live on that a failed test has left."""
        print(f"\n{self.table()}")
        for application in self.live():
            self.stage.cluster.kill(application.id)

    def _time(self, moment: float | None) -> str:
        return "" if moment is None else f"{moment - self._begun:.1f} s"

    def _template(self, job: dict[str, Any] | None, beside: dict[str, Any] | None, properties: dict[str, Any]) -> Path:
        resources: dict[str, Any] = {}
        if job is not None:
            resources["Job"] = self._resource(job, dict(properties))
        if beside is not None:
            after = {"DependsOn": "Job"} if beside.get("After") else {}
            told = {"ServiceToken": {"Fn::ImportValue": self._stub}, "Create": beside, "Update": beside}
            resources["Beside"] = {"Type": "Custom::Stub", **after, "Properties": told}
        if not resources:  # A stack has at least one.
            resources["Nothing"] = {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": "nothing"}}
        outputs = {"Id": {"Value": {"Ref": "Job"}}, **{
            name: {"Value": {"Fn::GetAtt": ["Job", name]}} for name in ("ApplicationId", "BatchId")
        }}
        written = self._folder / f"{secrets.token_hex(4)}.json"
        written.write_text(json.dumps({"Resources": resources, "Outputs": outputs if job is not None else {}}))
        return written

    def _resource(self, job: dict[str, Any], properties: dict[str, Any]) -> dict[str, Any]:
        policy = properties.pop("DeletionPolicy", None)
        declared = {
            "ServiceToken": {"Fn::ImportValue": self.provider},
            "LivyUrl": self.settings.url("livy"), "ResourceManagerUrl": self.settings.url("resource_manager"),
            "HealthySeconds": 3, "StopTimeoutSeconds": 120,
            "Parameters": {
                "Name": self.name, "NumExecutors": 0, "Configuration": _FRUGALLY, **job, "File": self.stage.job(job["File"]),
            },
            **properties,
        }
        return {"Type": "Custom::SparkJob", "Properties": declared} | ({"DeletionPolicy": policy} if policy else {})


class LongWait:
    """A stack that waits for a job far longer than its function may run; each event for the function comes twice."""

    time_out_seconds = 60
    job_seconds = 100

    def __init__(self, scenario: Scenario, another_provider: Callable[..., str]) -> None:
        scenario.provider = another_provider(timeout=self.time_out_seconds, deliveries="now,now")
        self.scenario = scenario
        self.log = Since(scenario.settings.folders.logs, f"function-provider-{scenario.provider}-*.log")
        job = {"File": "sleep.py", "Args": [self.job_seconds]}
        # Said, so that it is asked beforehand whether further invocations may be; few enough of them for the function's limit.
        self.stack = scenario.create(job, WaitFor="Success", WaitTimeoutSeconds=400)
