"""A custom resource's life in a stack: its requests, its physical id, its status and its events."""

import copy
import logging
import threading
import uuid
from typing import Any

from bed.localstack_plugin.ledger import Discarded, Resource, as_strings, ledger_of
from bed.localstack_plugin.requests import Answer, send

LOG = logging.getLogger("localstack.custom_resources")

# A clean-up gives up after as many tries, and the update still completes.
_CLEAN_UP_TRIES = 3
_DEFAULT_SERVICE_TIMEOUT = 3600.0


class ResourceFailed(Exception):
    """A resource could not be made or changed; the text is the reason."""


def is_custom(resource_type: str) -> bool:
    """Whether a resource is provided by a function."""
    return resource_type.startswith("Custom::") or resource_type == "AWS::CloudFormation::CustomResource"


def create(stack: Any, logical_id: str, definition: dict[str, Any], called_off: threading.Event) -> None:
    """Sends Create. A failed one is remembered too: the Delete that follows needs its physical id."""
    ledger = ledger_of(stack)
    wanted = _wanted(definition)
    wanted.physical_id = f"{stack.stack_name}-{logical_id}-{uuid.uuid4().hex[:12].upper()}"
    ledger.resources[logical_id] = wanted
    ledger.undo.append((logical_id, None))
    set_status(stack, logical_id, "CREATE_IN_PROGRESS", None)
    answer = send("Create", stack.stack_id, logical_id, wanted, called_off=called_off)
    wanted.physical_id = answer.physical_id or wanted.physical_id
    _conclude(stack, logical_id, "CREATE", wanted, answer)


def update(stack: Any, logical_id: str, definition: dict[str, Any], called_off: threading.Event) -> None:
    """Sends Update if a property changed. Another physical id in the answer is a replacement."""
    ledger = ledger_of(stack)
    current, wanted = ledger.resources[logical_id], _wanted(definition)
    if wanted.properties == current.properties:
        current.is_retained = wanted.is_retained
        publish(stack, logical_id, current)
        return
    before = copy.deepcopy(current)
    ledger.undo.append((logical_id, before))
    wanted.physical_id = before.physical_id
    answer = _send_update(stack, logical_id, wanted, before.properties, called_off)
    ledger.resources[logical_id] = wanted
    if answer.succeeded and wanted.physical_id != before.physical_id:
        ledger.discarded.append(Discarded(logical_id, before))
    _conclude(stack, logical_id, "UPDATE", wanted, answer)


def set_back(stack: Any, logical_id: str, before: Resource) -> Discarded | None:
    """Undoes an Update by one with the properties swapped; says what is then left to delete."""
    ledger = ledger_of(stack)
    current, wanted = ledger.resources[logical_id], copy.deepcopy(before)
    wanted.physical_id = current.physical_id
    answer = _send_update(stack, logical_id, wanted, current.properties)
    ledger.resources[logical_id] = wanted
    _conclude(stack, logical_id, "UPDATE", wanted, answer)
    return Discarded(logical_id, current) if wanted.physical_id != current.physical_id else None


def delete(stack: Any, logical_id: str) -> None:
    """Sends Delete for what there is now."""
    ledger = ledger_of(stack)
    resource = ledger.resources.get(logical_id)
    if resource is None:
        return
    set_status(stack, logical_id, "DELETE_IN_PROGRESS", resource.physical_id)
    answer = send("Delete", stack.stack_id, logical_id, resource)
    if not answer.succeeded:
        set_status(stack, logical_id, "DELETE_FAILED", resource.physical_id, answer.reason)
        raise ResourceFailed(answer.reason)
    del ledger.resources[logical_id]
    set_status(stack, logical_id, "DELETE_COMPLETE", resource.physical_id)


def clean_up(stack: Any, discarded: list[Discarded]) -> None:
    """Deletes replaced physical resources. The resource's own status stays: only events tell of this."""
    for item in discarded:
        physical_id = item.resource.physical_id
        if item.is_retained:
            stack.add_stack_event(item.logical_id, physical_id, "DELETE_SKIPPED")
            continue
        for _ in range(_CLEAN_UP_TRIES):
            stack.add_stack_event(item.logical_id, physical_id, "DELETE_IN_PROGRESS")
            answer = send("Delete", stack.stack_id, item.logical_id, item.resource)
            outcome = "DELETE_COMPLETE" if answer.succeeded else "DELETE_FAILED"
            stack.add_stack_event(item.logical_id, physical_id, outcome, answer.reason)
            if answer.succeeded:
                break
        else:
            LOG.warning("clean-up gave up on %s: %s", physical_id, answer.reason)


def set_status(stack: Any, logical_id: str, status: str, physical_id: str | None, reason: str = "") -> None:
    """Sets what DescribeStackResource says, and adds the event."""
    definition = stack.template_resources.get(logical_id)
    if definition is not None:
        definition["PhysicalResourceId"] = physical_id
        # The getter fills in times and names, and would keep an older physical id or reason.
        state = stack._resource_states.setdefault(logical_id, {})
        state.update(LogicalResourceId=logical_id, PhysicalResourceId=physical_id)
        state.pop("ResourceStatusReason", None)
        if reason:
            state["ResourceStatusReason"] = reason
        stack._set_resource_status_details(logical_id, physical_id)
        state.update(ResourceStatus=status, LastUpdatedTimestamp=state["Timestamp"])
    stack.add_stack_event(logical_id, physical_id, status, reason)


def publish(stack: Any, logical_id: str, resource: Resource) -> None:
    """Makes the physical id and the data what `Ref` and `Fn::GetAtt` find."""
    definition = stack.template_resources[logical_id]
    definition["PhysicalResourceId"] = resource.physical_id
    definition["Properties"] = dict(resource.data)
    definition["_last_deployed_state"] = dict(resource.data)


def _send_update(
    stack: Any, logical_id: str, wanted: Resource, old_properties: dict[str, Any], called_off: threading.Event | None = None
) -> Answer:
    """The physical id of the answer counts also when it is FAILED: CloudFormation goes on from it."""
    set_status(stack, logical_id, "UPDATE_IN_PROGRESS", wanted.physical_id)
    answer = send("Update", stack.stack_id, logical_id, wanted, old_properties, called_off)
    if answer.succeeded and answer.physical_id != wanted.physical_id:
        set_status(stack, logical_id, "UPDATE_IN_PROGRESS", answer.physical_id,
                   "Requested update required the provider to create a new physical resource")
    wanted.physical_id = answer.physical_id or wanted.physical_id
    return answer


def _conclude(stack: Any, logical_id: str, action: str, resource: Resource, answer: Answer) -> None:
    if not answer.succeeded:
        set_status(stack, logical_id, f"{action}_FAILED", resource.physical_id, answer.reason)
        raise ResourceFailed(answer.reason)
    resource.data = answer.data
    if action == "CREATE":
        set_status(stack, logical_id, "CREATE_IN_PROGRESS", resource.physical_id, "Resource creation Initiated")
    publish(stack, logical_id, resource)
    set_status(stack, logical_id, f"{action}_COMPLETE", resource.physical_id)


def _wanted(definition: dict[str, Any]) -> Resource:
    properties = as_strings(definition["Properties"])
    service_token = properties.pop("ServiceToken", "")
    timeout = float(properties.get("ServiceTimeout") or _DEFAULT_SERVICE_TIMEOUT)
    is_retained = definition.get("DeletionPolicy") == "Retain"
    return Resource(definition["Type"], service_token, properties, timeout, physical_id="", is_retained=is_retained)
