"""Stacks and executions of the local AWS, followed as they go."""

import dataclasses
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from bed.settings import ACCOUNT, REGION

# How a call to the local AWS, or a wait for it (TimeoutError), fails.
TROUBLE = (BotoCoreError, ClientError, OSError)
_POLL_SECONDS = 0.5


@dataclasses.dataclass(frozen=True)
class StackEvent:
    """One line of a stack's history."""

    logical_id: str
    resource_type: str
    status: str
    physical_id: str
    reason: str


@dataclasses.dataclass(frozen=True)
class Execution:
    """How an execution ended."""

    arn: str
    status: str
    output: dict[str, Any] | None
    error: str | None
    cause: str | None

    def explanation(self) -> dict[str, Any]:
        """The cause, which the worker writes as JSON."""
        return json.loads(self.cause or "{}")


class Aws:
    """Clients for one endpoint."""

    def __init__(self, endpoint: str) -> None:
        def client(service: str) -> Any:
            return boto3.client(
                service, endpoint_url=endpoint, region_name=REGION, aws_access_key_id=ACCOUNT, aws_secret_access_key="test",
                config=Config(retries={"max_attempts": 3, "mode": "standard"}, s3={"addressing_style": "path"}),
            )

        self.cloudformation = client("cloudformation")
        self.stepfunctions = client("stepfunctions")
        self.s3 = client("s3")

    def create_stack(self, name: str, template: Path, parameters: dict[str, str]) -> "Stack":
        """Begins to create a stack."""
        created = self.cloudformation.create_stack(
            StackName=name, TemplateBody=template.read_text(), Parameters=_parameters(parameters),
            Capabilities=["CAPABILITY_IAM"],
        )
        return Stack(self, name, created["StackId"])

    def start(self, state_machine_arn: str, task: dict[str, Any]) -> str:
        """Starts an execution; its ARN."""
        started = self.stepfunctions.start_execution(stateMachineArn=state_machine_arn, input=json.dumps(task))
        return started["executionArn"]

    def follow_execution(self, arn: str, seconds: float, each: Callable[[], None] = lambda: None) -> Execution:
        """Waits for the end of an execution."""
        deadline = time.monotonic() + seconds
        while True:
            seen = self.stepfunctions.describe_execution(executionArn=arn)
            each()
            if seen["status"] != "RUNNING":
                output = json.loads(seen["output"]) if seen.get("output") else None
                return Execution(arn, seen["status"], output, seen.get("error"), seen.get("cause"))
            if time.monotonic() > deadline:
                raise TimeoutError(f"the execution {arn} still runs after {seconds:.0f} s")
            time.sleep(_POLL_SECONDS)

    def activity_errors(self, arn: str) -> list[str]:
        """With which errors an execution's tasks failed so far."""
        history = self.stepfunctions.get_execution_history(executionArn=arn, maxResults=1000)
        details = (event.get("activityFailedEventDetails") for event in history["events"])
        return [failed.get("error", "") for failed in details if failed]


class Stack:
    """One stack; remembers which of its events were seen."""

    def __init__(self, aws: Aws, name: str, stack_id: str) -> None:
        self._aws = aws
        self.name = name
        self.id = stack_id
        self._seen: set[str] = set()

    def update(self, template: Path, parameters: dict[str, str]) -> None:
        """Begins an update."""
        self._aws.cloudformation.update_stack(
            StackName=self.id, TemplateBody=template.read_text(), Parameters=_parameters(parameters),
            Capabilities=["CAPABILITY_IAM"],
        )

    def delete(self) -> None:
        """Begins to delete it."""
        self._aws.cloudformation.delete_stack(StackName=self.id)

    def follow(
        self, seconds: float, each: Callable[[StackEvent], None] = lambda _: None, look: Callable[[], None] = lambda: None
    ) -> str:
        """Waits for the end of the operation; gives each new event, looks at each round; the stack's status."""
        deadline = time.monotonic() + seconds
        while True:
            status = self.status()
            look()
            for event in self._new_events():
                each(event)
            if not status.endswith("_IN_PROGRESS"):
                return status
            if time.monotonic() > deadline:
                raise TimeoutError(f"the stack {self.name} is still {status} after {seconds:.0f} s")
            time.sleep(_POLL_SECONDS)

    def status(self) -> str:
        """The stack's status."""
        return self._description()["StackStatus"]

    def outputs(self) -> dict[str, str]:
        """The stack's outputs."""
        return {output["OutputKey"]: output["OutputValue"] for output in self._description().get("Outputs", [])}

    def events(self) -> list[StackEvent]:
        """All events, oldest first."""
        return [event for _, event in self._all_events()]

    def reason(self, logical_id: str) -> str:
        """Why a resource failed, in the words of its latest failure."""
        reasons = [event.reason for event in self.events() if event.logical_id == logical_id and event.status.endswith("_FAILED")]
        return reasons[-1] if reasons else ""

    def _description(self) -> dict[str, Any]:
        return self._aws.cloudformation.describe_stacks(StackName=self.id)["Stacks"][0]

    def _new_events(self) -> Iterator[StackEvent]:
        for event_id, event in self._all_events():
            if event_id not in self._seen:
                self._seen.add(event_id)
                yield event

    def _all_events(self) -> list[tuple[str, StackEvent]]:
        try:
            answer = self._aws.cloudformation.describe_stack_events(StackName=self.id)
        except ClientError:
            return []
        return [(event["EventId"], _event(event)) for event in reversed(answer["StackEvents"])]


def _event(event: dict[str, Any]) -> StackEvent:
    return StackEvent(
        event["LogicalResourceId"], event["ResourceType"], event["ResourceStatus"],
        event.get("PhysicalResourceId", ""), event.get("ResourceStatusReason", ""),
    )


def _parameters(values: dict[str, str]) -> list[dict[str, str]]:
    return [{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()]
