"""Deleting a stack's resources: dependents first, and nothing that a failed one still needs."""

import copy
import logging
from typing import Any

from bed.localstack_plugin import custom_resources
from bed.localstack_plugin.custom_resources import ResourceFailed, is_custom, set_status

LOG = logging.getLogger("localstack.stacks")


def delete_resources(deployer: Any) -> str:
    """Deletes what there is, dependents first; returns why the stack is not empty, or nothing."""
    from localstack.services.cloudformation.engine.resource_ordering import order_resources

    stack = deployer.stack
    ordered = order_resources(
        resources=stack.template_original["Resources"], resolved_conditions=stack.resolved_conditions,
        resolved_parameters=stack.resolved_parameters, reverse=True,
    )
    failed: list[str] = []
    needed: set[str] = set()  # By what could not be deleted: it has to stay, or a second try would find no function.
    for logical_id in ordered:
        definition = stack.resources.get(logical_id)
        status = stack.resource_states.get(logical_id, {}).get("ResourceStatus")
        if definition is None or status in (None, "DELETE_COMPLETE", "DELETE_SKIPPED") or logical_id in needed:
            continue
        try:
            _delete_resource(deployer, stack, logical_id, definition)
        except Exception as error:
            LOG.warning("could not delete %s of %s: %s", logical_id, stack.stack_name, error)
            failed.append(logical_id)
            needed |= _needs(deployer, logical_id)
    return f"The following resource(s) failed to delete: [{', '.join(failed)}]." if failed else ""


def _needs(deployer: Any, logical_id: str) -> set[str]:
    definition = deployer.stack.template_original["Resources"][logical_id]
    found: set[str] = set()
    for name in deployer.get_resource_dependencies({**definition, "LogicalResourceId": logical_id}):
        if name in deployer.stack.resources and name not in found:
            found |= {name} | _needs(deployer, name)
    return found


def _delete_resource(deployer: Any, stack: Any, logical_id: str, definition: dict[str, Any]) -> None:
    physical_id = definition.get("PhysicalResourceId")
    if definition.get("DeletionPolicy") == "Retain":
        set_status(stack, logical_id, "DELETE_SKIPPED", physical_id)
        return
    if is_custom(definition["Type"]):
        custom_resources.delete(stack, logical_id)
        return
    if not physical_id:  # Its creation failed.
        return
    set_status(stack, logical_id, "DELETE_IN_PROGRESS", physical_id)
    executor = deployer.create_resource_provider_executor()
    provider = executor.try_load_resource_provider(definition["Type"])
    payload = deployer.create_resource_provider_payload("Remove", logical_resource_id=logical_id)
    # On a copy: the loop would write the outcome into the definition.
    outcome = executor.deploy_loop(provider, copy.deepcopy(definition), payload)
    if outcome.status.name == "FAILED":
        set_status(stack, logical_id, "DELETE_FAILED", physical_id, outcome.message or "")
        raise ResourceFailed(outcome.message or "no reason given")
    set_status(stack, logical_id, "DELETE_COMPLETE", physical_id)
