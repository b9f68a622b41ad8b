"""Functions run as processes behave as in Lambda: deadline, time-out, restart."""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bed.localstack_plugin.functions import FunctionProcess

_BOOTSTRAP = '''#!/usr/bin/env python3
import json, os, time, urllib.request
api = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime/invocation"
while True:
    with urllib.request.urlopen(api + "/next") as answer:
        event, headers = json.load(answer), answer.headers
    if event.get("leave"):
        raise SystemExit(7)
    time.sleep(event.get("sleep", 0))
    said = {"pid": os.getpid(), "deadline": int(headers["Lambda-Runtime-Deadline-Ms"])}
    path = api + "/" + headers["Lambda-Runtime-Aws-Request-Id"] + "/response"
    urllib.request.urlopen(urllib.request.Request(path, json.dumps(said).encode(), method="POST")).close()
'''

Invoke = Callable[..., tuple[dict, bool]]


@pytest.fixture
def invoke(tmp_path: Path) -> Iterator[Invoke]:
    (tmp_path / "bootstrap").write_text(_BOOTSTRAP)
    process = FunctionProcess("test", tmp_path, {}, timeout=2, logs=tmp_path)
    assert process.start()

    def call(**event: object) -> tuple[dict, bool]:
        body, is_error = process.invoke("request-1", json.dumps(event).encode(), "arn:aws:lambda:x", "trace")
        return json.loads(body), is_error

    yield call
    process.close()


def test_the_deadline_is_the_time_out_from_now(invoke: Invoke) -> None:
    said, is_error = invoke()
    assert not is_error
    assert 0 < said["deadline"] / 1000 - time.time() <= 2


def test_one_process_serves_many_invocations(invoke: Invoke) -> None:
    assert invoke()[0]["pid"] == invoke()[0]["pid"]


def test_at_the_time_out_it_is_killed_and_started_again(invoke: Invoke) -> None:
    first = invoke()[0]["pid"]
    error, is_error = invoke(sleep=60)
    assert is_error
    assert error["errorType"] == "Sandbox.Timedout"
    assert "Task timed out after 2.00 seconds" in error["errorMessage"]
    assert invoke()[0]["pid"] != first


def test_after_an_exit_it_is_started_again(invoke: Invoke) -> None:
    error, is_error = invoke(leave=True)
    assert is_error
    assert error == {"errorType": "Runtime.ExitError",
                     "errorMessage": "RequestId: request-1 Error: Runtime exited with error: exit status 7"}
    assert not invoke()[1]


def test_one_that_ended_while_it_waited_swallows_no_event(invoke: Invoke) -> None:
    first = invoke()[0]["pid"]
    os.kill(first, signal.SIGKILL)
    os.waitid(os.P_PID, first, os.WEXITED | os.WNOWAIT)  # Leaves it to be noticed.
    said, is_error = invoke()
    assert not is_error
    assert said["pid"] != first
