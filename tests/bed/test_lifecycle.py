"""A stack's job through updates, failures and rollbacks: YARN's history shows which applications there ever were."""

import pytest

from bed.cluster import Application
from bed.scenario import Scenario

# It takes its time beside these tests; its own is the next file.
pytestmark = pytest.mark.usefixtures("long_wait")


# Fails once the job's resource is done.
FAILS_AFTERWARDS = {"After": True, "Status": "FAILED", "Reason": "no room in the rack"}


def test_under_stop_then_start_there_are_never_two(scenario: Scenario) -> None:
    stack = scenario.create()
    scenario.becomes(stack, "CREATE_COMPLETE")
    first = scenario.the_live_one()
    assert (str(first), stack.outputs()["ApplicationId"]) == ("RUNNING", first.id)

    scenario.update(stack, Revision="2")
    scenario.becomes(stack, "UPDATE_COMPLETE")
    second = scenario.the_live_one()
    assert second.id == stack.outputs()["ApplicationId"] != first.id

    scenario.update(stack, beside=FAILS_AFTERWARDS, Revision="3")
    scenario.becomes(stack, "UPDATE_ROLLBACK_COMPLETE")
    assert "no room in the rack" in stack.reason("Beside")
    # The third was up when the other resource failed; the fourth is what the second was.
    assert [str(found) for found in scenario.applications()] == ["KILLED/KILLED"] * 3 + ["RUNNING"]
    assert scenario.the_live_one().id == stack.outputs()["ApplicationId"]

    scenario.delete(stack)
    assert not scenario.live()
    assert not scenario.overlaps(), scenario.table()


def test_after_an_update_whose_file_is_missing_the_old_job_runs_again_and_no_other(scenario: Scenario) -> None:
    stack = scenario.create()
    scenario.becomes(stack, "CREATE_COMPLETE")
    before = scenario.the_live_one()
    scenario.update(stack, {"File": "absent.py"})
    scenario.becomes(stack, "UPDATE_ROLLBACK_COMPLETE")
    reason = stack.reason("Job")
    print(reason)
    assert "absent.py" in reason and "exist" in reason
    after = scenario.the_live_one()
    assert after.id == stack.outputs()["ApplicationId"] != before.id
    create, update, back, *deletes = scenario.requests(stack)
    assert [request["RequestType"] for request in (create, update, back)] == ["Create", "Update", "Update"]
    assert back["ResourceProperties"] == create["ResourceProperties"]
    assert {request["RequestType"] for request in deletes} <= {"Delete"}
    assert not scenario.overlaps(), scenario.table()
    scenario.delete(stack)
    assert not scenario.live()


def test_under_start_then_stop_there_is_always_one_and_a_roll_back_goes_on_with_the_original(scenario: Scenario) -> None:
    policy = {"UpdatePolicy": "StartThenStop"}
    stack = scenario.create(**policy)
    scenario.becomes(stack, "CREATE_COMPLETE")
    first = scenario.the_live_one()
    looks: list[list[Application]] = []

    scenario.update(stack, Revision="2", **policy)
    scenario.becomes(stack, "UPDATE_COMPLETE", look=lambda: looks.append(scenario.live()))
    second = scenario.the_live_one()
    assert all(any(str(found) == "RUNNING" for found in look) for look in looks), looks
    assert [first.id, second.id] in [[found.id for found in look if str(found) == "RUNNING"] for look in looks], looks

    scenario.update(stack, beside=FAILS_AFTERWARDS, Revision="3", **policy)
    scenario.becomes(stack, "UPDATE_ROLLBACK_COMPLETE")
    # The second never stopped, and is what the stack has again.
    assert scenario.the_live_one().id == second.id == stack.outputs()["ApplicationId"]
    assert [str(found) for found in scenario.applications()] == ["KILLED/KILLED", "RUNNING", "KILLED/KILLED"]

    scenario.delete(stack)
    assert not scenario.live()


def test_a_retained_job_lives_on_and_a_create_over_it_fails_and_names_it(scenario: Scenario) -> None:
    stack = scenario.create(DeletionPolicy="Retain")
    scenario.becomes(stack, "CREATE_COMPLETE")
    retained = scenario.the_live_one()
    scenario.update(stack, None)
    scenario.becomes(stack, "UPDATE_COMPLETE")
    assert scenario.the_live_one().id == retained.id
    scenario.update(stack, Revision="2")
    scenario.becomes(stack, "UPDATE_ROLLBACK_COMPLETE")
    reason = stack.reason("Job")
    print(reason)
    assert retained.id in reason and "Retain" in reason
    assert [(found.id, str(found)) for found in scenario.applications()] == [(retained.id, "RUNNING")]
    scenario.delete(stack)
    assert str(scenario.the_live_one()) == "RUNNING"


def test_the_event_of_a_failed_python_job_shows_the_end_of_its_traceback_on_one_screen(scenario: Scenario) -> None:
    stack = scenario.create({"File": "raise.py"}, WaitFor="Success")
    scenario.becomes(stack, "ROLLBACK_COMPLETE")
    reason = stack.reason("Job")
    print(reason)
    assert "Traceback (most recent call last)" in reason
    assert "MissingPartitionError: no partition for day 2026-11-21 in table sales" in reason
    assert len(reason.splitlines()) <= 24, "one screen"
    (failed,) = scenario.applications()
    assert (str(failed), failed.id in reason) == ("FINISHED/FAILED", True)
    create = scenario.requests(stack)[0]
    (answer,) = scenario.answers(create)
    assert answer["Bytes"] == len(answer["Body"].encode()) <= 4096
