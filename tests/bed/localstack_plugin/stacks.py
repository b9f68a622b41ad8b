"""Operations on stacks as CloudFormation carries them out, over LocalStack's first engine.

That engine touches every resource in an update, knows no rollback and no clean-up, deletes within the API call,
and calls a stack deleted whatever went wrong.
"""

import copy
import logging
import uuid
from typing import Any

from bed.localstack_plugin import custom_resources
from bed.localstack_plugin.custom_resources import ResourceFailed, is_custom
from bed.localstack_plugin.deletion import delete_resources
from bed.localstack_plugin.ledger import Discarded, ledger_of, settle
from bed.localstack_plugin.operation import begin, carry_out, operation_of
from bed.localstack_plugin.rollback import roll_back

LOG = logging.getLogger("localstack.stacks")


def install() -> None:
    """Replaces the steps of the engine's deployer."""
    from localstack.services.cloudformation.engine import entities
    from localstack.services.cloudformation.engine.template_deployer import TemplateDeployer

    plain_apply = TemplateDeployer.apply_change
    # It would call every old resource UPDATE_IN_PROGRESS, also while a stack is created.
    TemplateDeployer.init_resource_status = lambda *_, **__: None
    TemplateDeployer.apply_change = lambda deployer, change, stack: _apply(plain_apply, deployer, change, stack)
    TemplateDeployer.apply_changes_in_loop = _apply_all
    TemplateDeployer.delete_stack = _delete_stack
    plain_event = entities.Stack.add_stack_event
    entities.Stack.add_stack_event = lambda stack, *args, **named: _add_event(plain_event, stack, *args, **named)
    # A stack's id ends in a UUID.
    entities.StackIdentifier.generate = lambda *_, **__: str(uuid.uuid4())


def _add_event(
    plain: Any, stack: Any, resource_id: str | None = None, physical_res_id: str | None = None,
    status: str = "", status_reason: str = "",
) -> None:
    """Not twice in a row the same, and without the stack's id where a resource has none yet."""
    latest = stack.events[0] if stack.events else {}
    same = (latest.get("LogicalResourceId"), latest.get("ResourceStatus"), latest.get("ResourceStatusReason", ""))
    if resource_id and same == (resource_id, status, status_reason or ""):
        return
    plain(stack, resource_id, physical_res_id, status, status_reason)
    if resource_id and resource_id != stack.stack_name and not physical_res_id:
        stack.events[0]["PhysicalResourceId"] = ""


def _apply(plain: Any, deployer: Any, change: dict[str, Any], stack: Any) -> None:
    """Carries out one change; custom resources are ours, the others LocalStack's unless nothing changed."""
    logical_id, action = change["ResourceChange"]["LogicalResourceId"], change["ResourceChange"]["Action"]
    definition = stack.resources[logical_id]
    if not is_custom(definition["Type"]):
        unchanged = action == "Modify" and definition.get("SpecifiedProperties") == definition.get("Properties")
        if unchanged and "_last_deployed_state" in definition:
            definition["Properties"] = copy.deepcopy(definition["_last_deployed_state"])
        else:
            plain(deployer, change, stack)
        return
    from localstack.services.cloudformation.deployment_utils import remove_none_values

    properties = definition["Properties"] = remove_none_values(definition.get("Properties") or {})
    ledger = ledger_of(stack)
    if action == "Remove":
        removed = ledger.resources.pop(logical_id)
        ledger.undo.append((logical_id, removed))
        ledger.discarded.append(Discarded(logical_id, removed, removed.is_retained))
        return
    operation = operation_of(stack)
    assert operation is not None, "changes are applied by an operation"
    if logical_id in ledger.resources:
        custom_resources.update(stack, logical_id, definition, operation.called_off)
    else:
        custom_resources.create(stack, logical_id, definition, operation.called_off)
    definition["SpecifiedProperties"] = properties


def _apply_all(deployer: Any, changes: list[dict[str, Any]], stack: Any, action: str | None = None, new_stack: Any = None) -> Any:
    """Runs a create or an update in the background, then completes it or rolls it back."""
    from localstack.services.cloudformation.engine.entities import StackChangeSet
    from localstack.utils.threads import start_worker_thread

    operation = begin(stack)

    def run(*_: object) -> None:
        try:
            work()
        finally:
            operation.over.set()

    def work() -> None:
        outputs = copy.deepcopy(stack.outputs)
        reason = ""
        try:
            carry_out(deployer, changes, stack, operation)
        except Exception as error:
            if stack.status.startswith("DELETE_"):  # Called off by whoever deletes what there is now.
                return
            LOG.info("%s of %s failed: %s", action, stack.stack_name, error, exc_info=not isinstance(error, ResourceFailed))
            reason = str(error)
        status = f"{action}_FAILED" if reason else f"{action}_COMPLETE"
        if isinstance(new_stack, StackChangeSet):
            new_stack.metadata.update(
                Status=status, ExecutionStatus="EXECUTE_FAILED" if reason else "EXECUTE_COMPLETE",
                StatusReason=reason or "Deployment succeeded",
            )
        if reason:
            roll_back(deployer, stack, action, reason)
        else:
            _complete(stack, action, outputs)

    return start_worker_thread(run)


def _complete(stack: Any, action: str | None, outputs: dict) -> None:
    discarded = list(ledger_of(stack).discarded)
    settle(stack, outputs)
    if action == "UPDATE":
        stack.set_stack_status("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
        custom_resources.clean_up(stack, discarded)
        stack.set_time_attribute("LastUpdatedTime")
    stack.set_stack_status(f"{action}_COMPLETE")


def _delete_stack(deployer: Any) -> None:
    """Deletes in the background: a custom resource may take longer than an API call lasts."""
    from localstack.utils.threads import start_worker_thread

    stack = deployer.stack
    if not stack:
        return
    stack.set_stack_status("DELETE_IN_PROGRESS")

    def run(*_: object) -> None:
        if (operation := operation_of(stack)) and not operation.over.is_set():
            operation.call_off()
            operation.over.wait()
        left = delete_resources(deployer)
        stack.set_stack_status("DELETE_FAILED" if left else "DELETE_COMPLETE", left)
        stack.set_time_attribute("DeletionTime")

    start_worker_thread(run)
