"""The Lambda Runtime API for one process. After "Using the Lambda runtime API" of the Lambda Developer Guide."""

import contextlib
import dataclasses
import queue
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclasses.dataclass(frozen=True)
class Invocation:
    """What the process is given."""

    request_id: str
    payload: bytes
    deadline_ms: int  # Since the epoch.
    function_arn: str
    trace_id: str


@dataclasses.dataclass(frozen=True)
class Result:
    """What the process gave back; its request id is `init` for an error before the first invocation."""

    request_id: str
    body: bytes
    is_error: bool


class RuntimeApi:
    """A server on a free port; `invocations` go in, `results` come out."""

    def __init__(self) -> None:
        self.invocations: queue.Queue[Invocation | None] = queue.Queue()
        self.results: queue.Queue[Result] = queue.Queue()
        self.asked = threading.Event()  # The process came for its first invocation, or gave up before.
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        """What AWS_LAMBDA_RUNTIME_API says."""
        return f"127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        """Lets a waiting request go, and stops."""
        self.invocations.put(None)
        self._server.shutdown()
        self._server.server_close()


def _handler(api: RuntimeApi) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # An event would wait for the acknowledgement of its headers.

        def handle(self) -> None:
            """Ends quietly with the process that asks."""
            with contextlib.suppress(ConnectionError):
                super().handle()

        def do_GET(self) -> None:
            """`…/runtime/invocation/next`: waits for work."""
            api.asked.set()
            invocation = api.invocations.get()
            if invocation is None:
                self._respond(410)
                return
            self._respond(200, invocation.payload, {
                "Lambda-Runtime-Aws-Request-Id": invocation.request_id,
                "Lambda-Runtime-Deadline-Ms": str(invocation.deadline_ms),
                "Lambda-Runtime-Invoked-Function-Arn": invocation.function_arn,
                "Lambda-Runtime-Trace-Id": invocation.trace_id,
            })

        def do_POST(self) -> None:
            """`…/runtime/invocation/ID/response`, `…/invocation/ID/error` or `…/runtime/init/error`."""
            body = self._body()
            *_, request_id, kind = self.path.partition("?")[0].strip("/").split("/")
            api.results.put(Result(request_id, body, is_error=kind == "error"))
            if request_id == "init":
                api.asked.set()
            self._respond(202, b'{"status":"OK"}')

        def _body(self) -> bytes:
            if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
                return self.rfile.read(int(self.headers.get("Content-Length") or 0))
            body = b""
            while length := int(self.rfile.readline().partition(b";")[0], 16):
                body += self.rfile.read(length)
                self.rfile.readline()
            while self.rfile.readline().strip():  # Trailers, then an empty line.
                pass
            return body

        def _respond(self, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> None:
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **(headers or {})}.items():
                self.send_header(name, value)
            with contextlib.suppress(ConnectionError):  # The process that asked may have ended meanwhile.
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    return Handler
