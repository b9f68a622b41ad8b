"""Runs a Lambda function's `bootstrap` as a process on this machine, where LocalStack would want a container."""

import contextlib
import json
import os
import queue
import signal
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bed.localstack_plugin.runtime_api import Invocation, RuntimeApi
from bed.settings import MARK

# Lambda's limit for the time before the first invocation.
_INIT_SECONDS = 10.0
_LOGS = Path(os.environ.get("PLUGIN_LOGS", "."))


def install() -> None:
    """Makes this LocalStack's way to run functions."""
    from localstack.services.lambda_.invocation import runtime_executor

    made: list[type] = []

    def executor() -> type:
        if not made:
            made.append(_executor())
        return made[0]

    runtime_executor.get_runtime_executor = executor


class FunctionProcess:
    """One execution environment: a `bootstrap`, started again whenever it ended."""

    def __init__(self, name: str, code: Path, environment: dict[str, str], timeout: float, logs: Path) -> None:
        self.log = logs / f"function-{name}.log"
        self._bootstrap = code / "bootstrap"
        self._environment = environment
        self._timeout = timeout
        self._api = RuntimeApi()
        self._process: subprocess.Popen | None = None

    @property
    def pid(self) -> int:
        """The process that now runs."""
        assert self._process is not None, "it was started"
        return self._process.pid

    def start(self) -> bool:
        """Starts it; whether it came for an invocation."""
        self.close()
        # A new one each time: the old one may still hold a request of the ended process, which would swallow an event.
        self._api = RuntimeApi()
        self._bootstrap.chmod(0o755)
        environment = {
            "PATH": os.environ["PATH"], MARK: os.environ.get(MARK, ""), **self._environment,
            "AWS_LAMBDA_RUNTIME_API": self._api.address, "LAMBDA_TASK_ROOT": str(self._bootstrap.parent),
        }
        with open(self.log, "ab") as log:
            self._process = subprocess.Popen(
                [str(self._bootstrap)], cwd=self._bootstrap.parent, env=environment,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )
        deadline = time.monotonic() + _INIT_SECONDS
        while not self._api.asked.wait(0.01):
            if self._process.poll() is not None or time.monotonic() > deadline:
                return False
        return True

    def invoke(self, invocation_id: str, payload: bytes, function_arn: str, trace_id: str) -> tuple[bytes, bool]:
        """Hands over one event; the result, and whether it is an error. At the time-out the process is killed."""
        if not self._runs() and not self.start():
            return _error("Runtime.ExitError", f"RequestId: {invocation_id} Error: Runtime exited during init"), True
        deadline = time.time() + self._timeout
        self._api.invocations.put(Invocation(invocation_id, payload, int(deadline * 1000), function_arn, trace_id))
        while True:
            with contextlib.suppress(queue.Empty):
                result = self._api.results.get(timeout=0.05)
                if result.request_id in (invocation_id, "init"):
                    return result.body, result.is_error
                continue
            if time.time() >= deadline:
                self.kill()
                now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
                return _error("Sandbox.Timedout", f"{now} {invocation_id} Task timed out after {self._timeout:.2f} seconds"), True
            if not self._runs():
                status = self._process.returncode if self._process else "unknown"
                text = f"RequestId: {invocation_id} Error: Runtime exited with error: exit status {status}"
                return _error("Runtime.ExitError", text), True

    def kill(self) -> None:
        """Ends the process and whatever it started."""
        # The id of a process that was waited for may be another's by now.
        if self._process is not None and self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def close(self) -> None:
        """Ends it for good."""
        self.kill()
        self._api.close()

    def _runs(self) -> bool:
        return self._process is not None and self._process.poll() is None


def _error(kind: str, message: str) -> bytes:
    return json.dumps({"errorType": kind, "errorMessage": message}).encode()


def _executor() -> type:
    """The class that LocalStack wants; made late, since its base class imports half of LocalStack."""
    from localstack import config
    from localstack.services.lambda_.invocation.lambda_models import InvocationResult
    from localstack.services.lambda_.invocation.runtime_executor import RuntimeExecutor

    class ProcessExecutor(RuntimeExecutor):
        """One execution environment of one version of a function."""

        def start(self, env_vars: dict[str, Any]) -> None:
            version = self.function_version
            environment = {name: str(value) for name, value in env_vars.items()}
            code = version.config.code.get_unzipped_code_location()
            self._process = FunctionProcess(version.id.function_name, Path(code), environment, version.config.timeout, _LOGS)
            self._read = self._process.log.stat().st_size if self._process.log.exists() else 0
            self._process.start()

        def stop(self) -> None:
            self._process.close()

        def invoke(self, payload: dict[str, str]) -> Any:
            body, is_error = self._process.invoke(
                payload["invoke-id"], payload["payload"].encode(), payload["invoked-function-arn"], payload["trace-id"]
            )
            return InvocationResult(payload["invoke-id"], body, is_error=is_error, logs=self.get_logs())

        def get_logs(self) -> str:
            with open(self._process.log, "rb") as log:
                log.seek(self._read)
                new = log.read()
                self._read = log.tell()
            return new.decode(errors="replace")

        def get_address(self) -> str:
            return "127.0.0.1"

        def get_endpoint_from_executor(self) -> str:
            return "127.0.0.1"

        def get_runtime_endpoint(self) -> str:
            return f"http://127.0.0.1:{config.GATEWAY_LISTEN[0].port}"

        @classmethod
        def prepare_version(cls, function_version: Any) -> None:
            if function_version.config.code:
                function_version.config.code.prepare_for_execution()

        @classmethod
        def cleanup_version(cls, function_version: Any) -> None:
            pass

    return ProcessExecutor
