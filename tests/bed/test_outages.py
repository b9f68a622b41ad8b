"""A Livy or a ResourceManager that is down is named within seconds, and ends a request at its submit time-out."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bed.bed import LIVY, RESOURCE_MANAGER, Bed
from bed.demo.scenes import PATIENCE_SECONDS
from bed.demo.stage import Stage
from bed.test_mistakes import write_template

# The part that is down, and whose address a person must be told.
each_part = pytest.mark.parametrize(("part", "address"), [(LIVY.name, "livy"), (RESOURCE_MANAGER.name, "resource_manager")])


def wait_for(condition: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.2)


def restore(bed: Bed, stage: Stage, part: str) -> None:
    """Starts the part again; a ResourceManager has to find its node."""
    bed.start(part)
    wait_for(lambda: stage.cluster.active_nodes() == 1, 120)


@each_part
def test_a_stack_fails_at_its_submit_time_out_and_names_what_is_down(
    bed: Bed, a_stage: Stage, tmp_path: Path, part: str, address: str
) -> None:
    template = write_template(tmp_path, a_stage, {"Parameters": {"File": a_stage.job("pi.py")}})
    bed.kill(part)
    try:
        stack = a_stage.aws.create_stack(f"outage-{part}-{a_stage.suffix}", template, {})
        assert stack.follow(90) == "ROLLBACK_COMPLETE", stack.events()
        reason = stack.reason("Job")
        print(reason)
        assert a_stage.settings.url(address) in reason
    finally:
        restore(bed, a_stage, part)


@each_part
def test_a_task_is_handed_back_and_its_retry_runs_when_all_is_up_again(
    bed: Bed, a_stage: Stage, part: str, address: str
) -> None:
    log = a_stage.settings.folders.logs / "worker.log"
    before = len(log.read_text())
    bed.kill(part)
    try:
        arn = a_stage.aws.start(a_stage.state_machine_arn, {"Parameters": {"File": a_stage.job("pi.py"), "Args": [2]}})
        wait_for(lambda: a_stage.settings.url(address) in log.read_text()[before:], 15)
        wait_for(lambda: a_stage.aws.activity_errors(arn) == ["SparkJob.LivyUnavailable"], 60)
    finally:
        restore(bed, a_stage, part)
    execution = a_stage.aws.follow_execution(arn, PATIENCE_SECONDS)
    assert execution.status == "SUCCEEDED", execution
