"""The LocalStack plugin plays CloudFormation's custom-resource protocol as the vendor's documents say."""

import json
import re
import secrets
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bed.demo import programs, stage
from bed.demo.aws import Aws, Stack
from bed.settings import Settings
from bed.transcript import answers_to, requests_of
from bed.waiting import wait_for

_STUB = Path(__file__).parent / "stub"


class Stub:
    """Stacks with the stub's resource, and the requests that it was sent."""

    def __init__(self, aws: Aws, settings: Settings, export_name: str) -> None:
        self.aws = aws
        self._settings, self._export_name = settings, export_name
        self.stacks: list[Stack] = []

    def create(self, **told: Any) -> Stack:
        """Begins a stack; the arguments are the template's parameters."""
        name = f"stub-{secrets.token_hex(3)}"
        stack = self.aws.create_stack(name, self._template(told), self._parameters(told))
        self.stacks.append(stack)
        return stack

    def update(self, stack: Stack, **told: Any) -> str:
        """Updates a stack and waits."""
        stack.update(self._template(told), self._parameters(told))
        return stack.follow(60)

    def requests(self, stack: Stack) -> list[tuple[str, str | None]]:
        """Request type and physical id of everything that was sent for a stack."""
        return [(line["RequestType"], line.get("PhysicalResourceId")) for line in self.transcript(stack)]

    def transcript(self, stack: Stack, logical_id: str = "Stub") -> list[dict[str, Any]]:
        """The requests in full."""
        return requests_of(self._settings, stack, logical_id)

    def answers(self, request: dict[str, Any]) -> list[dict[str, Any]]:
        """Everything that was answered to a request."""
        return answers_to(self._settings, request)

    def _template(self, told: dict[str, Any]) -> Path:
        """The template with what the stub is told for each request type, since properties may be maps."""
        orders = {key: value for key, value in told.items() if key in ("Create", "Update", "Delete")}
        lines = "".join(f"      {key}: {json.dumps(value)}\n" for key, value in orders.items())
        text = (_STUB / "stack.yaml").read_text().replace("      Flag: true\n", f"      Flag: true\n{lines}")
        if "Beside" in told:
            token = {"Fn::ImportValue": self._export_name}
            properties = {"ServiceToken": token, "Create": told["Beside"], "Update": told["Beside"]}
            beside = json.dumps({"Type": "Custom::Stub", "Properties": properties})
            text = text.replace("Outputs:\n", f"  Beside: {beside}\nOutputs:\n")
        if "DeletionPolicy" in told:
            text = text.replace("    DependsOn: Parameter\n", f"    DeletionPolicy: {told['DeletionPolicy']}\n")
        if "without" in told:
            text = text[: text.index(f"  {told['without']}:\n")]
        written = self._settings.folders.run / f"stub-{secrets.token_hex(3)}.yaml"
        written.write_text(text)
        return written

    def _parameters(self, told: dict[str, Any]) -> dict[str, str]:
        plain = {key: value for key, value in told.items() if key == "Greeting"}
        return {"ProviderExportName": self._export_name, **plain}


@pytest.fixture(scope="module")
def stub(aws: Aws, settings: Settings) -> Iterator[Stub]:
    suffix = secrets.token_hex(3)
    provider = stage.deploy_provider(aws, f"stub-provider-{suffix}", f"stub-{suffix}", programs.archive(_STUB / "bootstrap"))
    assert provider.follow(60) == "CREATE_COMPLETE", provider.events()
    made = Stub(aws, settings, f"stub-{suffix}")
    yield made
    provider.delete()
    assert provider.follow(60) == "DELETE_COMPLETE", provider.events()


def statuses(stack: Stack, logical_id: str) -> list[str]:
    return [event.status for event in stack.events() if event.logical_id == logical_id]


def test_a_resource_is_created_changed_replaced_and_deleted(stub: Stub) -> None:
    stack = stub.create()
    assert stack.follow(60) == "CREATE_COMPLETE", stack.events()
    assert stack.outputs() == {"Id": "stub-1", "Greeting": "hello"}
    assert stub.update(stack, Greeting="good day") == "UPDATE_COMPLETE"
    assert stack.outputs() == {"Id": "stub-1", "Greeting": "good day"}
    assert stub.update(stack, Greeting="good night", Update={"PhysicalResourceId": "stub-2"}) == "UPDATE_COMPLETE"
    assert stack.outputs() == {"Id": "stub-2", "Greeting": "good night"}
    stack.delete()
    assert stack.follow(60) == "DELETE_COMPLETE"
    assert stub.requests(stack) == [
        ("Create", None), ("Update", "stub-1"), ("Update", "stub-1"), ("Delete", "stub-1"), ("Delete", "stub-2"),
    ]
    assert statuses(stack, "Parameter") == ["CREATE_IN_PROGRESS", "CREATE_COMPLETE", "DELETE_IN_PROGRESS", "DELETE_COMPLETE"]


def test_every_scalar_arrives_as_a_string_and_an_update_tells_the_old_ones(stub: Stub) -> None:
    stack = stub.create()
    stack.follow(60)
    stub.update(stack, Greeting="again")
    create, update = stub.transcript(stack)
    assert create["ResourceProperties"]["Number"] == "8998"
    assert create["ResourceProperties"]["Flag"] == "true"
    assert "Absent" not in create["ResourceProperties"]
    assert create["ResourceType"] == "Custom::Stub"
    assert "PhysicalResourceId" not in create
    assert update["OldResourceProperties"] == create["ResourceProperties"]
    assert update["ResourceProperties"]["Greeting"] == "again"


def test_an_update_without_a_change_of_its_properties_sends_nothing(stub: Stub) -> None:
    stack = stub.create()
    stack.follow(60)
    stub.update(stack)
    assert stub.requests(stack) == [("Create", None)]
    assert stack.outputs() == {"Id": "stub-1", "Greeting": "hello"}
    assert statuses(stack, "Stub")[-1] == "CREATE_COMPLETE"


def test_a_failed_create_is_deleted_under_the_id_that_it_gave(stub: Stub) -> None:
    stack = stub.create(Create={"Status": "FAILED", "PhysicalResourceId": "half-made", "Reason": "no room"})
    assert stack.follow(60) == "ROLLBACK_COMPLETE", stack.events()
    assert stub.requests(stack) == [("Create", None), ("Delete", "half-made")]
    assert "no room" in stack.reason("Stub")
    assert statuses(stack, "Parameter")[-1] == "DELETE_COMPLETE"


def test_a_failed_update_goes_on_from_the_id_that_it_gave(stub: Stub) -> None:
    stack = stub.create(Update={"PhysicalResourceId": "stub-back"})
    stack.follow(60)
    assert stub.update(stack, Greeting="no", Update={"Status": "FAILED", "PhysicalResourceId": "stub-2"}) == "UPDATE_ROLLBACK_COMPLETE"
    assert stub.requests(stack) == [("Create", None), ("Update", "stub-1"), ("Update", "stub-2"), ("Delete", "stub-2")]
    back = stub.transcript(stack)[2]
    assert (back["OldResourceProperties"]["Greeting"], back["ResourceProperties"]["Greeting"]) == ("no", "hello")
    assert stack.outputs() == {"Id": "stub-back", "Greeting": "hello"}
    assert stub.update(stack, Greeting="yes") == "UPDATE_COMPLETE"
    assert stack.outputs()["Greeting"] == "yes"


def test_when_one_fails_the_others_at_work_are_called_off_and_a_create_is_deleted_under_an_invented_id(stub: Stub) -> None:
    stack = stub.create(Create={"Seconds": "4"}, Beside={"Seconds": "2", "Status": "FAILED", "Reason": "no room"})
    assert stack.follow(60) == "ROLLBACK_COMPLETE", stack.events()
    assert "no room" in stack.reason("Beside")
    assert stack.reason("Stub") == "Resource creation cancelled"
    create, delete = stub.transcript(stack)
    assert (create["RequestType"], delete["RequestType"]) == ("Create", "Delete")
    assert re.fullmatch(rf"{stack.name}-Stub-[0-9A-F]{{12}}", delete["PhysicalResourceId"])
    assert statuses(stack, "Stub") == ["CREATE_IN_PROGRESS", "CREATE_FAILED", "DELETE_IN_PROGRESS", "DELETE_COMPLETE"]
    wait_for(lambda: bool(stub.answers(create)), 10, "the late answer")
    assert [answer["Counts"] for answer in stub.answers(create)] == [False]


def test_an_update_that_is_called_off_is_undone_under_the_same_id(stub: Stub) -> None:
    stack = stub.create(Beside={})
    assert stack.follow(60) == "CREATE_COMPLETE", stack.events()
    slow = {"Seconds": "4", "PhysicalResourceId": "stub-2"}
    status = stub.update(stack, Greeting="slow", Update=slow, Beside={"Seconds": "2", "Status": "FAILED"})
    assert status == "UPDATE_ROLLBACK_COMPLETE", stack.events()
    assert stub.requests(stack) == [("Create", None), ("Update", "stub-1"), ("Update", "stub-1")]
    assert stack.reason("Stub") == "Resource update cancelled"
    assert stack.outputs()["Greeting"] == "hello"


def test_a_stack_that_is_deleted_while_it_is_created_calls_the_create_off(stub: Stub) -> None:
    stack = stub.create(Create={"Seconds": "3"})
    wait_for(lambda: "CREATE_IN_PROGRESS" in statuses(stack, "Stub"), 10)
    stack.delete()
    assert stack.follow(60) == "DELETE_COMPLETE"
    create, delete = stub.transcript(stack)
    assert (create["RequestType"], delete["RequestType"]) == ("Create", "Delete")
    assert delete["PhysicalResourceId"].startswith(f"{stack.name}-Stub-")
    assert [event.status for event in stack.events() if event.logical_id == stack.name][-2:] == [
        "DELETE_IN_PROGRESS", "DELETE_COMPLETE",
    ]


def test_a_retained_resource_that_is_taken_out_is_not_deleted_and_is_created_anew_when_it_is_back(stub: Stub) -> None:
    stack = stub.create(DeletionPolicy="Retain")
    assert stack.follow(60) == "CREATE_COMPLETE", stack.events()
    assert stub.update(stack, DeletionPolicy="Retain", without="Stub") == "UPDATE_COMPLETE"
    assert statuses(stack, "Stub")[-1] == "DELETE_SKIPPED"
    assert stub.update(stack) == "UPDATE_COMPLETE"
    assert stub.requests(stack) == [("Create", None), ("Create", None)]


def test_a_clean_up_gives_up_after_three_tries_and_the_update_completes(stub: Stub) -> None:
    stack = stub.create(Delete={"Status": "FAILED"})
    stack.follow(60)
    assert stub.update(stack, Greeting="new", Update={"PhysicalResourceId": "stub-2"}) == "UPDATE_COMPLETE"
    assert stub.requests(stack)[2:] == [("Delete", "stub-1")] * 3


def test_a_failed_delete_keeps_the_stack_and_can_be_tried_again(stub: Stub) -> None:
    stack = stub.create(Delete={"Status": "FAILED", "Reason": "still busy"})
    stack.follow(60)
    stack.delete()
    assert stack.follow(60) == "DELETE_FAILED"
    assert "still busy" in stack.reason("Stub")
    stack.delete()
    stack.follow(60)
    assert stub.requests(stack) == [("Create", None), ("Delete", "stub-1"), ("Delete", "stub-1")]


def test_the_status_and_the_id_are_right_while_a_request_is_open(stub: Stub) -> None:
    def described(stack: Stack) -> tuple[str, str | None]:
        answer = stub.aws.cloudformation.describe_stack_resource(StackName=stack.id, LogicalResourceId="Stub")
        detail = answer["StackResourceDetail"]
        return detail["ResourceStatus"], detail.get("PhysicalResourceId")

    stack = stub.create(Create={"Seconds": "2"})
    wait_for(lambda: "CREATE_IN_PROGRESS" in statuses(stack, "Stub"), 10)
    assert described(stack)[0] == "CREATE_IN_PROGRESS"
    assert stack.follow(60) == "CREATE_COMPLETE"
    assert described(stack) == ("CREATE_COMPLETE", "stub-1")
    update = threading.Thread(
        target=stub.update, args=(stack,), kwargs={"Greeting": "slow", "Update": {"Seconds": "2", "PhysicalResourceId": "stub-2"}}
    )
    update.start()
    wait_for(lambda: described(stack) == ("UPDATE_IN_PROGRESS", "stub-1"), 10)
    update.join()
    assert described(stack) == ("UPDATE_COMPLETE", "stub-2")


@pytest.mark.parametrize(("told", "reason"), [
    ({"Silent": "true"}, "did not receive a response"),
    ({"Bytes": "4096"}, "Response object is too long"),
    ({"PhysicalResourceId": ""}, "Invalid PhysicalResourceId"),
    ({"Status": "DONE"}, "DONE is not a valid ResponseStatus"),
])
def test_a_wrong_answer_or_none_fails_the_resource(stub: Stub, told: dict[str, str], reason: str) -> None:
    stack = stub.create(Create=told)
    assert stack.follow(90) == "ROLLBACK_COMPLETE", stack.events()
    assert reason in stack.reason("Stub")
