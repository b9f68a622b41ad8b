"""The place to which a function PUTs its answer. Stands in for CloudFormation's bucket and its presigned URLs."""

import dataclasses
import json
import os
import secrets
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote

# A presigned URL outlives the hour that a function may take.
_LIFETIME_SECONDS = 7200
# Every answer that arrived, also those that nobody waits for any more.
_TRANSCRIPT = os.path.join(os.environ.get("PLUGIN_LOGS", "."), "custom-resource-answers.jsonl")


@dataclasses.dataclass
class Slot:
    """Where one request's answer arrives."""

    url: str
    request_id: str
    arrived: threading.Event = dataclasses.field(default_factory=threading.Event)
    body: bytes = b""
    is_open: bool = True  # Whether somebody waits for it.


class _Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    slots: dict[str, Slot] = {}

    def do_PUT(self) -> None:
        """Takes the first answer; later ones are only noted, as an object is written over unread."""
        length = self.headers.get("Content-Length")
        slot = self.slots.get(self.path)
        if length is None:  # S3 does not take a body of unknown length under a presigned URL.
            return self._respond(411)
        body = self.rfile.read(int(length))
        if slot is None:  # Another path, or a signature that is not the one that was given out.
            return self._respond(403)
        counts = slot.is_open and not slot.arrived.is_set()
        _note(slot.request_id, body, counts)
        if counts:
            slot.body = body
            slot.arrived.set()
        return self._respond(200)

    def _respond(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Says nothing: the path is a secret."""


def _note(request_id: str, body: bytes, counts: bool) -> None:
    line = {"RequestId": request_id, "Counts": counts, "Bytes": len(body), "Body": body.decode(errors="replace")}
    with open(_TRANSCRIPT, "a", encoding="utf-8") as transcript:
        transcript.write(json.dumps(line) + "\n")


class ResponseUrls:
    """Gives out URLs, each once."""

    def __init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Answers)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def issue(self, stack_id: str, logical_id: str, request_id: str, region: str) -> Slot:
        """A new URL, shaped as CloudFormation's are: the object's key has a `|`, and the query a signature."""
        now = datetime.now(UTC)
        key = quote(f"{stack_id}|{logical_id}|{request_id}", safe="")
        credential = quote(f"AKIAEXAMPLE/{now:%Y%m%d}/{region}/s3/aws4_request", safe="")
        path = (
            f"/{key}?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date={now:%Y%m%dT%H%M%SZ}&X-Amz-SignedHeaders=host"
            f"&X-Amz-Expires={_LIFETIME_SECONDS}&X-Amz-Credential={credential}&X-Amz-Signature={secrets.token_hex(32)}"
        )
        slot = Slot(f"http://127.0.0.1:{self._server.server_port}{path}", request_id)
        _Answers.slots[path] = slot
        return slot
