"""A Livy or a ResourceManager that is down is named within seconds, and ends a request at its submit time-out."""

import re
import time
import urllib.request
from pathlib import Path

import pytest

from bed.bed import LIVY, RESOURCE_MANAGER, Bed
from bed.demo.aws import StackEvent
from bed.demo.programs import SUBMIT_TIMEOUT_SECONDS as WORKERS_SUBMIT_TIMEOUT_SECONDS
from bed.demo.scenes import PATIENCE_SECONDS
from bed.demo.stage import Stage
from bed.logs import Since
from bed.test_mistakes import SUBMIT_TIMEOUT_SECONDS, write_template
from bed.waiting import wait_for

# The part that is down, and whose address a person must be told.
each_part = pytest.mark.parametrize(("part", "address"), [(LIVY.name, "livy"), (RESOURCE_MANAGER.name, "resource_manager")])

# For what is said within seconds, on a busy machine too. The worker looks at its cluster every 10 s.
_SECONDS = 25
# How much later than at its time-out a request may end: the defaults are 60 s (function) and 900 s (worker).
_GRACE_SECONDS = 20
_TROUBLE = re.compile(r'<tr><td>([^<]*)<td><span class="trouble">cannot be used since ([^<]*)')


def troubles(stage: Stage) -> dict[str, str]:
    """The services that the worker's page calls unusable, and why."""
    with urllib.request.urlopen(f"{stage.settings.url('worker')}/", timeout=10) as answer:
        return dict(_TROUBLE.findall(answer.read().decode()))


def is_near(seconds: float, time_out: float) -> bool:
    """Whether a request ended by this time-out: not at the first refusal, and not by a default."""
    return time_out / 2 <= seconds < time_out + _GRACE_SECONDS


def restore(bed: Bed, stage: Stage, part: str) -> None:
    """Starts the part again; a ResourceManager has to find its node, and the worker's page to see that all is well."""
    bed.start(part)
    wait_for(lambda: stage.cluster.active_nodes() == 1, 120, "the node is back")
    wait_for(lambda: not troubles(stage), 60, "the worker's page has no troubles")


@each_part
def test_a_stack_fails_at_its_submit_time_out_and_names_what_is_down(
    bed: Bed, a_stage: Stage, tmp_path: Path, part: str, address: str
) -> None:
    template = write_template(tmp_path, a_stage, {"Parameters": {"File": a_stage.job("pi.py")}})
    log = Since(a_stage.settings.folders.logs, "function-*.log")
    failed_after: list[float] = []
    bed.kill(part)
    try:
        begun = time.monotonic()

        def note(event: StackEvent) -> None:
            if (event.logical_id, event.status) == ("Job", "CREATE_FAILED"):
                failed_after.append(time.monotonic() - begun)

        stack = a_stage.aws.create_stack(f"outage-{part}-{a_stage.suffix}", template, {})
        wait_for(lambda: a_stage.settings.url(address) in log.text(), _SECONDS, "the function's log names it")
        assert stack.follow(90, note) == "ROLLBACK_COMPLETE", stack.events()
        reason = stack.reason("Job")
        print(f"after {failed_after[0]:.1f} s: {reason}")
        assert a_stage.settings.url(address) in reason
        assert f"nothing was submitted within {SUBMIT_TIMEOUT_SECONDS} s" in reason
        assert is_near(failed_after[0], SUBMIT_TIMEOUT_SECONDS)
    finally:
        restore(bed, a_stage, part)


@each_part
def test_the_workers_page_names_what_is_down_also_without_a_task(
    bed: Bed, a_stage: Stage, part: str, address: str
) -> None:
    assert not troubles(a_stage)
    bed.kill(part)
    try:
        wait_for(lambda: bool(troubles(a_stage)), _SECONDS, "the worker's page names what is down")
        (service,) = troubles(a_stage)
        assert a_stage.settings.url(address) in service
    finally:
        restore(bed, a_stage, part)


@each_part
def test_a_task_is_handed_back_and_its_retry_runs_when_all_is_up_again(
    bed: Bed, a_stage: Stage, part: str, address: str
) -> None:
    log = Since(a_stage.settings.folders.logs, "worker.log")
    bed.kill(part)
    try:
        begun = time.monotonic()
        arn = a_stage.aws.start(a_stage.state_machine_arn, {"Parameters": {"File": a_stage.job("pi.py"), "Args": [2]}})
        wait_for(lambda: a_stage.settings.url(address) in log.text(), _SECONDS, "the worker's log names it")
        limit = WORKERS_SUBMIT_TIMEOUT_SECONDS + _GRACE_SECONDS
        wait_for(lambda: bool(a_stage.aws.activity_errors(arn)), limit, "the task is handed back")
        took = time.monotonic() - begun
        print(f"after {took:.1f} s: handed back")
        assert a_stage.aws.activity_errors(arn) == ["SparkJob.LivyUnavailable"]
        assert is_near(took, WORKERS_SUBMIT_TIMEOUT_SECONDS)
    finally:
        restore(bed, a_stage, part)
    execution = a_stage.aws.follow_execution(arn, PATIENCE_SECONDS)
    assert execution.status == "SUCCEEDED", execution
