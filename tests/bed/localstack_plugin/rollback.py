"""What CloudFormation does when an operation on a stack has failed."""

from typing import Any

from bed.localstack_plugin import custom_resources
from bed.localstack_plugin.custom_resources import ResourceFailed
from bed.localstack_plugin.deletion import delete_resources
from bed.localstack_plugin.ledger import Discarded, go_back, ledger_of


def roll_back(deployer: Any, stack: Any, action: str | None, reason: str) -> None:
    """Undoes a failed create or update, as the stack's options say."""
    failed = [name for name, state in stack.resource_states.items() if state.get("ResourceStatus", "").endswith("_FAILED")]
    verb = "create" if action == "CREATE" else "update"
    why = f"The following resource(s) failed to {verb}: [{', '.join(failed)}]." if failed else reason
    on_failure = stack.metadata.get("OnFailure")
    if stack.metadata.get("DisableRollback") in (True, "true") or on_failure == "DO_NOTHING":
        stack.set_stack_status(f"{action}_FAILED", why)
    elif action == "CREATE":
        deleting = on_failure == "DELETE"
        stack.set_stack_status("DELETE_IN_PROGRESS" if deleting else "ROLLBACK_IN_PROGRESS", f"{why} Rollback requested by user.")
        left = delete_resources(deployer)
        operation = "DELETE" if deleting else "ROLLBACK"
        stack.set_stack_status(f"{operation}_FAILED" if left else f"{operation}_COMPLETE", left)
    else:
        _roll_back_update(deployer, stack, why)


def _roll_back_update(deployer: Any, stack: Any, why: str) -> None:
    """Custom resources go back, newest first; what then is nobody's any more is deleted afterwards."""
    from localstack.services.cloudformation.engine.template_deployer import resolve_outputs

    ledger = ledger_of(stack)
    stack.set_stack_status("UPDATE_ROLLBACK_IN_PROGRESS", why)
    undo, discarded = list(reversed(ledger.undo)), []
    ledger.forget_operation()
    try:
        for logical_id, before in undo:
            if before is None:
                discarded.append(Discarded(logical_id, ledger.resources.pop(logical_id)))
            elif logical_id not in ledger.resources:  # It was to be removed, and nothing was sent yet.
                ledger.resources[logical_id] = before
            elif left := custom_resources.set_back(stack, logical_id, before):
                discarded.append(left)
    except ResourceFailed as failure:
        stack.set_stack_status("UPDATE_ROLLBACK_FAILED", str(failure))
        return
    go_back(stack)
    for logical_id, resource in ledger.resources.items():
        custom_resources.publish(stack, logical_id, resource)
    stack.set_stack_status("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS")
    custom_resources.clean_up(stack, discarded)
    stack.resolved_outputs = resolve_outputs(deployer.account_id, deployer.region_name, stack)
    stack.set_stack_status("UPDATE_ROLLBACK_COMPLETE")
