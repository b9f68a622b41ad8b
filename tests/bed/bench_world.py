"""What stands around a function while it is measured: CloudFormation's storage, and a cluster with a finished job."""

import dataclasses
import json
import queue
import ssl
import threading
import time
import urllib.parse
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

_KEY = "0a1b2c3d-0a1b2c3d4e5f"
_STACK = "arn:aws:cloudformation:us-east-1:000000000000:stack/bench/5d1f0a40"


@dataclasses.dataclass(frozen=True)
class Event:
    """A Delete whose answer goes to a sink."""

    physical_id: str
    sink: str

    def payload(self) -> bytes:
        """The event as Lambda hands it over, issued now."""
        now = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        return json.dumps({
            "RequestType": "Delete", "RequestId": "c3b0a4de", "StackId": _STACK, "LogicalResourceId": "Job",
            "ResourceType": "Custom::SparkJob", "PhysicalResourceId": self.physical_id,
            "ResponseURL": f"{self.sink}/answer?X-Amz-Date={now}&X-Amz-Expires=7200&X-Amz-Signature=5f9c1d0a",
            "ResourceProperties": {"ServiceToken": "arn:aws:lambda:us-east-1:000000000000:function:bench"},
        }).encode()


class _Listener(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Says nothing: a function that is killed or that does not close its TLS breaks its connections."""


class _Server:
    """A server on a free port."""

    def __init__(self, handler: type[BaseHTTPRequestHandler]) -> None:
        self._server = _Listener(("127.0.0.1", 0), handler)
        self.port = self._server.server_port

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class Sink(_Server):
    """CloudFormation's storage, over TLS; `answers` are what was put, each with the moment when it was complete."""

    def __init__(self, certificate: Path, key: Path) -> None:
        self.answers: queue.Queue[tuple[float, dict[str, Any]]] = queue.Queue()
        answers = self.answers

        class Handler(_Quiet):
            def do_PUT(self) -> None:
                """Takes an answer."""
                body = self.rfile.read(int(self.headers["Content-Length"]))
                answers.put((time.perf_counter(), json.loads(body)))
                self.respond(200, b"")

        super().__init__(Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)

    def delete(self, physical_id: str) -> Event:
        """A Delete that is answered here."""
        return Event(physical_id, f"https://localhost:{self.port}")


class SparkCluster(_Server):
    """A Livy that has forgotten a batch, and a ResourceManager that remembers its application; `requests` counts."""

    def __init__(self) -> None:
        self.requests = 0
        cluster = self

        class Handler(_Quiet):
            def do_GET(self) -> None:
                """Says that the job is over."""
                cluster.requests += 1
                if self.path.startswith("/ws/v1/cluster/apps"):
                    self.respond(200, json.dumps({"apps": {"app": [_APPLICATION]}}).encode())
                else:
                    self.respond(404, json.dumps({"msg": f"Session 'job-{_KEY}' not found."}).encode())

            do_DELETE = do_GET

        super().__init__(Handler)

    @property
    def physical_id(self) -> str:
        """The id of the job."""
        url = f"http://127.0.0.1:{self.port}/"
        return f"sparkwright:1:job-{_KEY}:0123456789ab:{url};rm={urllib.parse.quote(url, safe=':/')}"


class _Quiet(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def respond(self, status: int, body: bytes) -> None:
        """Sends it in one piece: a second one would wait for the first to be acknowledged."""
        phrase = {200: "OK", 404: "Not Found"}[status]
        head = f"HTTP/1.1 {status} {phrase}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        self.wfile.write(head.encode() + body)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


_APPLICATION = {
    "id": "application_1795225753640_0004", "user": "hadoop", "name": f"job-{_KEY}", "queue": "default", "state": "FINISHED",
    "finalStatus": "SUCCEEDED", "applicationTags": f"sparkwright,sparkwright-run-{_KEY}", "trackingUrl": "", "diagnostics": "",
    "startedTime": 1795225753640, "launchTime": 1795225754640, "finishedTime": 1795225783640,
}
