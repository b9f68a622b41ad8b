"""Every mistake that a newcomer makes ends in seconds, with a message that says what to change."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bed.demo.stage import Stage
from bed.settings import Settings

# Generous: a refused declaration takes a second or two, a job that spark-submit or YARN refuses some ten seconds.
_AT_ONCE, _SOON = 60.0, 180.0


@dataclasses.dataclass(frozen=True)
class Mistake:
    """A job with one thing wrong, and the words that a person needs."""

    name: str
    change: Callable[[Stage], dict[str, Any]]
    words: tuple[str, ...]
    error: str = "SparkJob.InvalidInput"
    around: dict[str, Any] = dataclasses.field(default_factory=dict)  # Beside `Parameters`.

    @property
    def reaches_livy(self) -> bool:
        """Whether it takes a submission to find out."""
        return self.error == "SparkJob.Failed"

    def parameters(self, stage: Stage) -> dict[str, Any]:
        """The job's declaration; what is None is left out."""
        job = {"Name": self.name, "File": stage.job("pi.py"), "NumExecutors": 1, **self.change(stage)}
        return {key: value for key, value in job.items() if value is not None}


MISTAKES = (
    Mistake("misspelt field", lambda _: {"NumExecutor": 2}, ("NumExecutor", "NumExecutors")),
    Mistake("missing File", lambda _: {"File": None}, ("File",)),
    Mistake("wrong memory form", lambda _: {"DriverMemory": "1.5 gigabytes"}, ("DriverMemory", "1.5 gigabytes")),
    Mistake("unknown host", lambda _: {}, ("no-such-host.invalid",), around={"LivyUrl": "http://no-such-host.invalid:8998"}),
    Mistake("wrong queue", lambda _: {"Queue": "no-such-queue"}, ("no-such-queue",), "SparkJob.Failed"),
    Mistake("jar not found", lambda stage: {"File": stage.job("absent.jar"), "ClassName": "Absent"}, ("absent.jar",), "SparkJob.Failed"),
)
each_mistake = pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name.replace(" ", "-"))


def requests_to_livy(settings: Settings) -> list[str]:
    """The methods of all requests so far, by Livy's own log of them."""
    lines = (line for log in sorted(settings.folders.logs.glob("*.request.log")) for line in log.read_text().splitlines())
    # The worker asks every few seconds whether Livy is there; that has nothing to do with a job.
    requests = [line.split('"')[1].split() for line in lines]
    return [method for method, path, *_ in requests if not path.endswith("/version")]


def check_requests(settings: Settings, before: int, mistake: Mistake) -> None:
    """A wrong declaration is refused before any request about batches, the others after one submission."""
    since = requests_to_livy(settings)[before:]
    assert since.count("POST") == 1 if mistake.reaches_livy else not since, since


def write_template(folder: Path, stage: Stage, properties: dict[str, Any]) -> Path:
    """A stack with one job."""
    common = {
        "ServiceToken": {"Fn::ImportValue": stage.export_name}, "LivyUrl": stage.settings.url("livy"),
        "ResourceManagerUrl": stage.settings.url("resource_manager"), "SubmitTimeoutSeconds": 5, "WaitFor": "Success",
    }
    written = folder / "template.json"
    written.write_text(json.dumps({"Resources": {"Job": {"Type": "Custom::SparkJob", "Properties": {**common, **properties}}}}))
    return written


@each_mistake
def test_a_stack_says_in_its_events_what_to_change(a_stage: Stage, tmp_path: Path, mistake: Mistake) -> None:
    before = len(requests_to_livy(a_stage.settings))
    template = write_template(tmp_path, a_stage, {"Parameters": mistake.parameters(a_stage), **mistake.around})
    stack = a_stage.aws.create_stack(f"mistake-{mistake.name.replace(' ', '-')}-{a_stage.suffix}", template, {})
    assert stack.follow(_SOON if mistake.reaches_livy else _AT_ONCE) == "ROLLBACK_COMPLETE", stack.events()
    reason = stack.reason("Job")
    print(reason)
    assert all(word in reason for word in mistake.words), reason
    check_requests(a_stage.settings, before, mistake)
    assert not a_stage.cluster.live()
    logged = "".join(log.read_text() for log in a_stage.settings.folders.logs.glob("function-*.log"))
    assert all(word in logged for word in mistake.words)


@each_mistake
def test_an_execution_says_in_its_cause_what_to_change(a_stage: Stage, mistake: Mistake) -> None:
    before = len(requests_to_livy(a_stage.settings))
    arn = a_stage.aws.start(a_stage.state_machine_arn, {"Parameters": mistake.parameters(a_stage), **mistake.around})
    execution = a_stage.aws.follow_execution(arn, _SOON if mistake.reaches_livy else _AT_ONCE)
    print(execution.cause)
    assert (execution.status, execution.error) == ("FAILED", mistake.error), execution
    message = execution.explanation()["message"]
    assert all(word in (execution.cause or "") for word in mistake.words), execution.cause
    assert message
    check_requests(a_stage.settings, before, mistake)
    logged = (a_stage.settings.folders.logs / "worker.log").read_text()
    assert all(word in logged for word in mistake.words)
