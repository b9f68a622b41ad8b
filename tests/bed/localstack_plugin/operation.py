"""One create or update of a stack while it is carried out, and how it is called off.

CloudFormation works at the same time on resources that do not need each other. Once one of them has failed, or the
stack is to be deleted, it waits for none of the others: those still at work have failed too, and what a function
answers for them later counts for nothing.
"""

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import Any

from bed.localstack_plugin.custom_resources import ResourceFailed, is_custom

# How soon an operation notices that it was called off.
_PERIOD_SECONDS = 0.1


class Operation:
    """What is at work in one stack."""

    def __init__(self) -> None:
        self.called_off = threading.Event()
        self.over = threading.Event()
        self._works: dict[str, Future] = {}

    def start(self, logical_id: str, work: Callable[[], None]) -> None:
        """Works on a resource beside whatever comes next."""
        future: Future = Future()

        def run() -> None:
            try:
                future.set_result(work())
            except BaseException as error:
                future.set_exception(error)

        self._works[logical_id] = future
        threading.Thread(target=run, daemon=True).start()

    def wait_for(self, logical_ids: Iterable[str]) -> None:
        """Waits until these are done; fails as soon as any resource has failed, or the operation is called off."""
        needed = [self._works[name] for name in logical_ids if name in self._works]
        while True:
            for work in self._works.values():
                if work.done() and (failure := work.exception()):
                    raise failure
            if self.called_off.is_set():
                raise ResourceFailed("the operation was called off")
            open_works = [work for work in needed if not work.done()]
            if not open_works:
                return
            wait(open_works, _PERIOD_SECONDS, FIRST_COMPLETED)

    def wait_for_all(self) -> None:
        """Waits until everything is done that was started."""
        self.wait_for(list(self._works))

    def call_off(self) -> None:
        """Gives up whatever is still at work."""
        self.called_off.set()
        wait(self._works.values())


def operation_of(stack: Any) -> Operation | None:
    """The operation under way in a stack."""
    return getattr(stack, "sparkwright_operation", None)


def begin(stack: Any) -> Operation:
    """Begins an operation."""
    stack.sparkwright_operation = Operation()
    return stack.sparkwright_operation


def carry_out(deployer: Any, changes: list[dict[str, Any]], stack: Any, operation: Operation) -> None:
    """Applies changes in the order of their needs; a custom resource's request does not hold up what does not need it."""
    from localstack.services.cloudformation.engine.resource_ordering import order_changes
    from localstack.services.cloudformation.engine.template_deployer import resolve_outputs

    ordered = order_changes(
        given_changes=changes, resources=stack.resources,
        resolved_conditions=stack.resolved_conditions, resolved_parameters=stack.resolved_parameters,
    )
    try:
        for change in ordered:
            _apply(deployer, change["ResourceChange"], change, stack, operation)
        operation.wait_for_all()
    except BaseException:
        operation.call_off()
        raise
    for details in (change["ResourceChange"] for change in ordered):
        if details["Action"] == "Remove":
            stack.template["Resources"].pop(details["LogicalResourceId"], None)
            # Else it would pass for deployed when it is back.
            stack._resource_states.pop(details["LogicalResourceId"], None)
    stack.resolved_outputs = resolve_outputs(deployer.account_id, deployer.region_name, stack)


def _apply(deployer: Any, details: dict[str, Any], change: dict[str, Any], stack: Any, operation: Operation) -> None:
    logical_id, action = details["LogicalResourceId"], details["Action"]
    definition = stack.resources[logical_id]
    removes = action == "Remove"
    operation.wait_for(() if removes else deployer.get_resource_dependencies({**definition, "LogicalResourceId": logical_id}))
    if not deployer.prepare_should_deploy_change(logical_id, change, stack, stack.resources):
        return
    if is_custom(definition["Type"]) and not removes:
        operation.start(logical_id, lambda: deployer.apply_change(change, stack))
        return
    try:
        deployer.apply_change(change, stack)
    except Exception as error:
        verb = {"Add": "CREATE", "Modify": "UPDATE", "Remove": "DELETE"}[action]
        stack.add_stack_event(logical_id, definition.get("PhysicalResourceId"), f"{verb}_FAILED", str(error))
        raise
