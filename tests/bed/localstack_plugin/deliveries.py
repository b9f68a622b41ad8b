"""Asynchronous invocations that come late, and more than once.

Lambda promises to deliver such an event at least once, at some time: after "How Lambda handles errors and retries with
asynchronous invocation" of the Lambda Developer Guide. Without an error or a throttle LocalStack, like Lambda, nearly
always delivers it at once and once, which is no test.
"""

import copy
import json
import os
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

# A function's variable: when each event for it is delivered, and delivered again, such as `now,now` or `now,FILE`, which is
# once that file is there; `Create:FILE` is for requests of that type.
_DELIVERIES = "PLUGIN_DELIVERIES"
# Of each request, only so many events: of a function that invokes itself there would soon be hundreds.
_EVENTS = 3


def install() -> None:
    """Delivers a function's events as its environment says: CloudFormation's, and those that it sends to itself."""
    from localstack.services.lambda_.invocation.event_manager import LambdaEventManager

    plain = LambdaEventManager.enqueue_event
    seen: Counter[str] = Counter()

    def enqueue_event(self: Any, invocation: Any) -> None:
        variables = self.version_manager.function_version.config.environment or {}
        for moment in _moments(variables.get(_DELIVERIES, "now"), invocation.payload, seen):
            event = copy.deepcopy(invocation)
            if moment == "now":
                plain(self, event)
            else:
                threading.Thread(target=_later, args=(moment, lambda event=event: plain(self, event)), daemon=True).start()

    LambdaEventManager.enqueue_event = enqueue_event


def _moments(deliveries: str, payload: bytes, seen: Counter[str]) -> list[str]:
    event = json.loads(payload)
    if not isinstance(event, dict) or seen[event.get("RequestId", "")] == _EVENTS:
        return ["now"]
    seen[event.get("RequestId", "")] += 1
    prefix = f"{event.get('RequestType')}:"
    moments = deliveries.split(",")
    own = [moment.removeprefix(prefix) for moment in moments if moment.startswith(prefix)]
    return own or [moment for moment in moments if ":" not in moment] or ["now"]


def _later(file: str, deliver: Callable[[], None]) -> None:
    while not os.path.exists(file):
        time.sleep(0.2)
    deliver()
