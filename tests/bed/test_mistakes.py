"""Every mistake that a newcomer makes ends in seconds, with a message that says what to change."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bed.demo.stage import Stage
from bed.logs import Since
from bed.settings import Settings

# Generous: a refused declaration takes a second or two, a job that spark-submit or YARN refuses some ten seconds.
_AT_ONCE, _SOON = 60.0, 180.0
# Far below the default of 60 s, so that a test can tell which of the two it was.
SUBMIT_TIMEOUT_SECONDS = 5


@dataclasses.dataclass(frozen=True)
class Mistake:
    """A job with one thing wrong, and the words that a person needs."""

    name: str
    change: Callable[[Stage], dict[str, Any]]
    words: tuple[str, ...]  # Whole phrases: what is wrong, and what to change.
    error: str = "SparkJob.InvalidInput"
    around: dict[str, Any] = dataclasses.field(default_factory=dict)  # Beside `Parameters`.
    words_of_worker: tuple[str, ...] | None = None  # If they are others.

    @property
    def reaches_livy(self) -> bool:
        """Whether it takes a submission to find out."""
        return self.error == "SparkJob.Failed"

    def parameters(self, stage: Stage) -> dict[str, Any]:
        """The job's declaration; what is None is left out."""
        job = {"Name": self.name, "File": stage.job("pi.py"), "NumExecutors": 1, **self.change(stage)}
        return {key: value for key, value in job.items() if value is not None}


MISTAKES = (
    Mistake("misspelt field", lambda _: {"NumExecutor": 2},
            ("`NumExecutor` is not a parameter; did you mean `NumExecutors`?",)),
    Mistake("missing File", lambda _: {"File": None},
            ("`File` is missing: the URI of the jar or Python file to run",)),
    Mistake("wrong memory form", lambda _: {"DriverMemory": "1.5 gigabytes"},
            ("`DriverMemory` must be a size such as `512m` or `4g`, not `1.5 gigabytes`",)),
    Mistake("unknown host", lambda _: {}, ("the host `no-such-host.invalid` is not known here", "check `LivyUrl`"),
            around={"LivyUrl": "http://no-such-host.invalid:8998"},
            # A worker is told which hosts it may use.
            words_of_worker=("this worker may not use `no-such-host.invalid`", "--allow-livy-host no-such-host.invalid")),
    Mistake("wrong queue", lambda _: {"Queue": "no-such-queue"}, ("submitted by user", "to unknown queue: no-such-queue"),
            "SparkJob.Failed"),
    Mistake("jar not found", lambda stage: {"File": stage.job("absent.jar"), "ClassName": "Absent"},
            ("absent.jar does not exist",), "SparkJob.Failed"),
)
each_mistake = pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name.replace(" ", "-"))


def lacking(text: str, phrases: tuple[str, ...]) -> list[str]:
    """Which of the phrases a text does not have."""
    return [phrase for phrase in phrases if phrase not in text]


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
        "ResourceManagerUrl": stage.settings.url("resource_manager"), "SubmitTimeoutSeconds": SUBMIT_TIMEOUT_SECONDS, "WaitFor": "Success",
    }
    written = folder / "template.json"
    written.write_text(json.dumps({"Resources": {"Job": {"Type": "Custom::SparkJob", "Properties": {**common, **properties}}}}))
    return written


@each_mistake
def test_a_stack_says_in_its_events_what_to_change(a_stage: Stage, tmp_path: Path, mistake: Mistake) -> None:
    before = len(requests_to_livy(a_stage.settings))
    log = Since(a_stage.settings.folders.logs, "function-*.log")
    template = write_template(tmp_path, a_stage, {"Parameters": mistake.parameters(a_stage), **mistake.around})
    stack = a_stage.aws.create_stack(f"mistake-{mistake.name.replace(' ', '-')}-{a_stage.suffix}", template, {})
    assert stack.follow(_SOON if mistake.reaches_livy else _AT_ONCE) == "ROLLBACK_COMPLETE", stack.events()
    reason = stack.reason("Job")
    print(reason)
    assert not lacking(reason, mistake.words), reason
    check_requests(a_stage.settings, before, mistake)
    assert not a_stage.cluster.live()
    assert not lacking(log.text(), mistake.words), log.text()


@each_mistake
def test_an_execution_says_in_its_cause_what_to_change(a_stage: Stage, mistake: Mistake) -> None:
    before = len(requests_to_livy(a_stage.settings))
    log = Since(a_stage.settings.folders.logs, "worker.log")
    arn = a_stage.aws.start(a_stage.state_machine_arn, {"Parameters": mistake.parameters(a_stage), **mistake.around})
    execution = a_stage.aws.follow_execution(arn, _SOON if mistake.reaches_livy else _AT_ONCE)
    print(execution.cause)
    assert (execution.status, execution.error) == ("FAILED", mistake.error), execution
    explanation = execution.explanation()
    assert explanation["message"]
    words = mistake.words_of_worker or mistake.words
    assert not lacking("\n".join(map(str, explanation.values())), words), execution.cause
    check_requests(a_stage.settings, before, mistake)
    assert not lacking(log.text(), words), log.text()
