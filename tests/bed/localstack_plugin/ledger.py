"""What CloudFormation remembers of a stack's custom resources, so that it can go on, back, or clean up."""

import copy
import dataclasses
from typing import Any


@dataclasses.dataclass
class Resource:
    """One custom resource as it now is."""

    resource_type: str
    service_token: str
    properties: dict[str, Any]  # With every scalar as a string, as the function sees it.
    service_timeout: float
    physical_id: str
    is_retained: bool = False  # By the DeletionPolicy: removed from the template, it stays.
    data: dict[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Discarded:
    """A physical resource that a successful operation leaves behind, to be deleted in its clean-up."""

    logical_id: str
    resource: Resource
    is_retained: bool = False


@dataclasses.dataclass(frozen=True)
class Settled:
    """A stack's documents after the last operation that succeeded: where a failed update goes back to."""

    template: dict
    template_original: dict
    parameters: dict
    conditions: dict
    outputs: dict  # Not resolved yet.


@dataclasses.dataclass
class Ledger:
    """The notes on one stack."""

    resources: dict[str, Resource] = dataclasses.field(default_factory=dict)
    # What an update did so far, oldest first: logical id and what there was before, None if nothing.
    undo: list[tuple[str, Resource | None]] = dataclasses.field(default_factory=list)
    discarded: list[Discarded] = dataclasses.field(default_factory=list)
    settled: Settled | None = None

    def forget_operation(self) -> None:
        """Ends the notes on an operation that is over."""
        self.undo.clear()
        self.discarded.clear()


def ledger_of(stack: Any) -> Ledger:
    """The notes on a stack of LocalStack's; they live and die with it."""
    if not hasattr(stack, "sparkwright_ledger"):
        stack.sparkwright_ledger = Ledger()
    return stack.sparkwright_ledger


def settle(stack: Any, outputs: dict) -> None:
    """Notes that an operation succeeded."""
    ledger = ledger_of(stack)
    ledger.forget_operation()
    ledger.settled = Settled(
        copy.deepcopy(stack.template), copy.deepcopy(stack.template_original),
        dict(stack.resolved_parameters), dict(stack.resolved_conditions), outputs,
    )


def go_back(stack: Any) -> None:
    """Gives a stack the documents that it had after its last success."""
    settled = ledger_of(stack).settled
    if settled is None:
        return
    stack.template = copy.deepcopy(settled.template)
    stack.template["Outputs"] = copy.deepcopy(settled.outputs)
    stack.template_original = copy.deepcopy(settled.template_original)
    stack.set_resolved_parameters(dict(settled.parameters))
    stack.set_resolved_stack_conditions(dict(settled.conditions))


def as_strings(value: Any) -> Any:
    """CloudFormation sends every scalar to a custom resource as a string; lists and maps keep their shape."""
    if isinstance(value, dict):
        return {str(key): as_strings(item) for key, item in value.items() if item is not None}
    if isinstance(value, (list, tuple)):
        return [as_strings(item) for item in value if item is not None]
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
