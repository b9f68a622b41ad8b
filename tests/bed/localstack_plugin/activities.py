"""Step Functions activities: a token of a task that is over says so, and a stopped execution stops.

After "SendTaskHeartbeat" and "StopExecution" of the Step Functions API Reference.
"""

import functools
import threading
from collections.abc import Callable
from importlib import import_module
from typing import Any

_ANSWERS = ("send_task_heartbeat", "send_task_success", "send_task_failure")


class _Tokens:
    """Which tokens were given out, and of which execution those are that still count."""

    def __init__(self) -> None:
        self.issued: set[str] = set()
        self.open: dict[str, str] = {}
        self.evaluating = threading.local()


def install() -> None:
    """Wraps the places where LocalStack makes tokens, takes answers and stops executions."""
    tokens = _Tokens()
    _follow_tokens(tokens)
    _refuse_late_answers(tokens)
    _stop_waiting_executions(tokens)


def _follow_tokens(tokens: _Tokens) -> None:
    from localstack.services.stepfunctions.asl.eval.callback import callback

    # The module's name is misspelt in LocalStack.
    module = import_module("localstack.services.stepfunctions.asl.component.state.state_execution.state_task.state_task_activitiy")
    pool, state = callback.CallbackPoolManager, module.StateTaskActivity
    add, evaluate = pool.add_activity_task, state._eval_execution
    beat = callback.CallbackEndpoint.notify_heartbeat

    def add_activity_task(self: Any, callback_id: str, *args: Any, **named: Any) -> Any:
        tokens.issued.add(callback_id)
        tokens.open[callback_id] = tokens.evaluating.execution_arn
        tokens.evaluating.token = callback_id
        return add(self, callback_id, *args, **named)

    def eval_execution(self: Any, env: Any) -> Any:
        tokens.evaluating.execution_arn = env.states.context_object.context_object_data["Execution"]["Id"]
        tokens.evaluating.token = None
        try:
            return evaluate(self, env)
        finally:
            tokens.open.pop(tokens.evaluating.token, None)

    pool.add_activity_task, state._eval_execution = add_activity_task, eval_execution
    # Without HeartbeatSeconds in the state, a heartbeat would be an invalid token.
    callback.CallbackEndpoint.notify_heartbeat = lambda self: beat(self) or self._heartbeat_endpoint is None


def _refuse_late_answers(tokens: _Tokens) -> None:
    from localstack.aws.api.stepfunctions import TaskTimedOut
    from localstack.services.stepfunctions.provider import StepFunctionsProvider

    def wrapped(plain: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(plain)
        def answer(self: Any, context: Any, task_token: str, *args: Any, **named: Any) -> Any:
            execution_arn = tokens.open.get(task_token)
            if task_token in tokens.issued and (
                execution_arn is None or self.describe_execution(context, execution_arn)["status"] != "RUNNING"
            ):
                raise TaskTimedOut("Task Timed Out: 'Provided task does not exist anymore'")
            return plain(self, context, task_token, *args, **named)

        return answer

    for name in _ANSWERS:
        setattr(StepFunctionsProvider, name, wrapped(getattr(StepFunctionsProvider, name)))


def _stop_waiting_executions(tokens: _Tokens) -> None:
    from localstack.services.stepfunctions.asl.eval.callback import callback
    from localstack.services.stepfunctions.provider import StepFunctionsProvider

    plain = StepFunctionsProvider.stop_execution

    @functools.wraps(plain)
    def stop_execution(self: Any, context: Any, execution_arn: str, *args: Any, **named: Any) -> Any:
        stopped = plain(self, context, execution_arn, *args, **named)
        for token in [token for token, arn in list(tokens.open.items()) if arn == execution_arn]:
            tokens.open.pop(token, None)
        worker = self._get_execution(context=context, execution_arn=execution_arn).exec_worker
        waiting = list(worker.env.callback_pool_manager._pool.items()) if worker else []
        for token, endpoint in waiting:
            # Any outcome ends the wait; the execution is ABORTED already.
            endpoint.notify(callback.CallbackOutcomeSuccess(callback_id=token, output="null"))
            if isinstance(endpoint, callback.ActivityCallbackEndpoint):
                endpoint.notify_activity_task_start(worker_name=None)
        return stopped

    StepFunctionsProvider.stop_execution = stop_execution
