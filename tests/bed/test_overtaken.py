"""Requests that the stack no longer waits for: rolled back, deleted under way, delivered late."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from bed.demo.aws import Stack
from bed.scenario import PATIENCE_SECONDS, Scenario
from bed.waiting import wait_for


# A Delete that has to settle takes its time, beside the other tests here.
pytestmark = pytest.mark.usefixtures("deleted_early", "delivered_late")


@dataclasses.dataclass(frozen=True)
class Begun:
    """A stack that is under way, and a file that lets go on what waits for it."""

    scenario: Scenario
    stack: Stack
    now: Path


@pytest.fixture(scope="module")
def deleted_early(scenarios: Callable[[], Scenario], tmp_path_factory: pytest.TempPathFactory) -> Begun:
    """Is being deleted since Livy has the batch."""
    scenario = scenarios()
    stack = scenario.create()
    wait_for(lambda: scenario.batch() is not None, PATIENCE_SECONDS, "Livy has the batch")
    stack.delete()
    return Begun(scenario, stack, tmp_path_factory.mktemp("early") / "now")


@pytest.fixture(scope="module")
def delivered_late(
    scenarios: Callable[[], Scenario], another_provider: Callable[..., str], tmp_path_factory: pytest.TempPathFactory
) -> Begun:
    """Is being deleted since its Create was sent, which Lambda holds back."""
    scenario, now = scenarios(), tmp_path_factory.mktemp("late") / "now"
    scenario.provider = another_provider(deliveries=f"Create:{now}")
    stack = scenario.create()
    wait_for(lambda: any(event.logical_id == "Job" for event in stack.events()), 30, "the Create was sent")
    stack.delete()
    return Begun(scenario, stack, now)


def check_overtaken_create(scenario: Scenario, stack: Stack, words: str = "") -> None:
    """The stack's Delete had an id that nobody answered; the Create's own answer came late, with these words."""
    create, delete = scenario.requests(stack)
    assert (create["RequestType"], delete["RequestType"]) == ("Create", "Delete")
    assert delete["PhysicalResourceId"].startswith(f"{scenario.name}-Job-")
    wait_for(lambda: bool(scenario.answers(create)), 60, "the Create's own answer")
    (late,) = scenario.answers(create)
    print(late["Body"])
    assert not late["Counts"]
    assert '"FAILED"' in late["Body"] and words in late["Body"]
    assert not scenario.live(), scenario.table()


def test_when_another_resource_fails_while_a_create_waits_its_job_is_stopped(scenario: Scenario, tmp_path: Path) -> None:
    now = tmp_path / "now"
    fails = {"Until": str(now), "Status": "FAILED", "Reason": "no room in the rack"}
    stack = scenario.create(WaitFor="Success", beside=fails)
    scenario.wait_until_running()
    now.touch()
    scenario.becomes(stack, "ROLLBACK_COMPLETE")
    assert "no room in the rack" in stack.reason("Beside")
    check_overtaken_create(scenario, stack)
    assert [str(found) for found in scenario.applications()] == ["KILLED/KILLED"]


def test_when_another_resource_fails_while_an_update_waits_the_old_job_runs_again_and_never_two(
    scenario: Scenario, tmp_path: Path
) -> None:
    stack = scenario.create()
    scenario.becomes(stack, "CREATE_COMPLETE")
    first = scenario.the_live_one()
    now = tmp_path / "now"
    fails = {"Until": str(now), "Status": "FAILED", "Reason": "no room in the rack"}
    scenario.update(stack, beside=fails, Revision="2", WaitFor="Success")

    def the_second_runs() -> bool:
        return [found.state for found in scenario.live() if found.id != first.id] == ["RUNNING"]

    wait_for(the_second_runs, PATIENCE_SECONDS, "the second runs")
    now.touch()
    scenario.becomes(stack, "UPDATE_ROLLBACK_COMPLETE")
    assert scenario.the_live_one().id == stack.outputs()["ApplicationId"]
    assert [str(found) for found in scenario.applications()] == ["KILLED/KILLED", "KILLED/KILLED", "RUNNING"]
    assert not scenario.overlaps(), scenario.table()
    called_off = scenario.requests(stack)[1]
    wait_for(lambda: bool(scenario.answers(called_off)), 60, "the late answer")
    assert [(answer["Counts"], '"FAILED"' in answer["Body"]) for answer in scenario.answers(called_off)] == [(False, True)]
    scenario.delete(stack)
    assert not scenario.live()


def test_when_a_stack_is_deleted_before_the_jobs_application_exists_none_is_left(deleted_early: Begun) -> None:
    scenario = deleted_early.scenario
    scenario.becomes(deleted_early.stack, "DELETE_COMPLETE")
    check_overtaken_create(scenario, deleted_early.stack)
    assert {str(found) for found in scenario.applications()} <= {"KILLED/KILLED"}
    assert len(scenario.applications()) <= 1


def test_a_create_that_is_delivered_when_its_stack_is_gone_starts_nothing(delivered_late: Begun) -> None:
    scenario = delivered_late.scenario
    scenario.becomes(delivered_late.stack, "DELETE_COMPLETE")
    delivered_late.now.touch()
    check_overtaken_create(scenario, delivered_late.stack, words="`Job` is DELETE_COMPLETE")
    assert not scenario.applications()


def test_a_create_and_a_delete_that_are_delivered_again_when_their_stack_is_gone_change_nothing(
    scenario: Scenario, another_provider: Callable[..., str], tmp_path: Path
) -> None:
    later = tmp_path / "later"
    scenario.provider = another_provider(deliveries=f"now,{later}")
    stack = scenario.create(WaitFor="Submitted")
    scenario.becomes(stack, "CREATE_COMPLETE")
    scenario.delete(stack)
    (killed,) = scenario.applications()
    create, delete = scenario.requests(stack)
    later.touch()
    wait_for(lambda: len(scenario.answers(create)) == len(scenario.answers(delete)) == 2, 120, "two answers to each")
    first, second = scenario.answers(create)
    print(second["Body"])
    assert (first["Counts"], second["Counts"]) == (True, False)
    assert '"SUCCESS"' in first["Body"] and '"FAILED"' in second["Body"]
    assert all('"SUCCESS"' in answer["Body"] for answer in scenario.answers(delete))
    assert [found.id for found in scenario.applications()] == [killed.id]
    assert not scenario.live()
