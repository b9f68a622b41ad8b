"""One request of the custom-resource protocol: sent to the function, its answer awaited and checked.

After "Custom resource request and response reference" of the CloudFormation User Guide.
"""

import dataclasses
import json
import logging
import os
import threading
import time
import uuid
from typing import Any

from bed.localstack_plugin.ledger import Resource, as_strings
from bed.localstack_plugin.response_urls import ResponseUrls, Slot

LOG = logging.getLogger("localstack.custom_resources")

_MAX_ANSWER_BYTES = 4096
_MAX_PHYSICAL_ID_BYTES = 1024
_TRANSCRIPT = os.path.join(os.environ.get("PLUGIN_LOGS", "."), "custom-resources.jsonl")
_response_urls = ResponseUrls()
_NOUNS = {"Create": "creation", "Update": "update", "Delete": "deletion"}
_PERIOD_SECONDS = 0.1


@dataclasses.dataclass(frozen=True)
class Answer:
    """What came of a request. A refused one may still carry a physical id."""

    succeeded: bool
    reason: str = ""
    physical_id: str | None = None
    data: dict[str, Any] = dataclasses.field(default_factory=dict)
    called_off: bool = False


def send(
    request_type: str, stack_id: str, logical_id: str, resource: Resource,
    old_properties: dict[str, Any] | None = None, called_off: threading.Event | None = None,
) -> Answer:
    """Sends a request and waits for its answer, at most as long as the resource's ServiceTimeout, or until called off."""
    request_id, region = str(uuid.uuid4()), stack_id.split(":")[3]
    slot = _response_urls.issue(stack_id, logical_id, request_id, region)
    request = {
        "RequestType": request_type,
        "ServiceToken": resource.service_token,
        "ResponseURL": slot.url,
        "StackId": stack_id,
        "RequestId": request_id,
        "LogicalResourceId": logical_id,
        "ResourceType": resource.resource_type,
        "ResourceProperties": {"ServiceToken": resource.service_token, **resource.properties},
    }
    if request_type != "Create":
        request["PhysicalResourceId"] = resource.physical_id
    if request_type == "Update":
        request["OldResourceProperties"] = {"ServiceToken": resource.service_token, **(old_properties or {})}
    LOG.info("%s %s (%s), request %s", request_type, logical_id, request.get("PhysicalResourceId"), request_id)
    begun = time.monotonic()
    refused = _invoke(resource.service_token, region, request)
    if refused:
        answer = Answer(False, refused)
    elif not _arrives(slot, resource.service_timeout, called_off):
        if called_off and called_off.is_set():
            answer = Answer(False, f"Resource {_NOUNS[request_type]} cancelled", called_off=True)
            _record(request, answer, time.monotonic() - begun)
            return answer
        answer = Answer(False, "CloudFormation did not receive a response from your Custom Resource. "
                               f"Please check your logs for requestId [{request_id}].")
    else:
        answer = _read(slot.body, request)
    _record(request, answer, time.monotonic() - begun)
    return answer


def _arrives(slot: Slot, seconds: float, called_off: threading.Event | None) -> bool:
    """Waits for the answer; from its end on, an answer counts for nothing."""
    deadline = time.monotonic() + seconds
    while not slot.arrived.wait(_PERIOD_SECONDS):
        if time.monotonic() > deadline or called_off and called_off.is_set():
            slot.is_open = False
            return False
    return True


def _invoke(function: str, region: str, request: dict[str, Any]) -> str | None:
    """Asynchronously, as CloudFormation does: the invocation's own result counts for nothing, and Lambda retries it."""
    from localstack.aws.connect import connect_to

    try:
        functions = connect_to(region_name=region).lambda_
        functions.invoke(FunctionName=function, InvocationType="Event", Payload=json.dumps(request))
    except Exception as error:  # Whatever it is, the stack has to say it.
        return f"Failed to invoke {function}: {error}"
    return None


def _read(body: bytes, request: dict[str, Any]) -> Answer:
    if len(body) > _MAX_ANSWER_BYTES:
        return Answer(False, "Response object is too long.")
    try:
        answer = json.loads(body)
    except ValueError:
        return Answer(False, "Invalid response object: it is not JSON")
    if not isinstance(answer, dict):
        return Answer(False, "Invalid response object: it is not a JSON object")
    for field in ("RequestId", "StackId", "LogicalResourceId"):
        if answer.get(field) != request[field]:
            return Answer(False, f"Invalid response object: Value of property {field} must be that of the request")
    status, reason, physical_id = answer.get("Status"), answer.get("Reason"), answer.get("PhysicalResourceId")
    if status not in ("SUCCESS", "FAILED"):
        return Answer(False, f"Invalid response object: {status} is not a valid ResponseStatus")
    if not isinstance(physical_id, str) or not 0 < len(physical_id.encode()) <= _MAX_PHYSICAL_ID_BYTES:
        return Answer(False, "Invalid PhysicalResourceId")
    if "Reason" in answer and not isinstance(reason, str) or status == "FAILED" and not reason:
        return Answer(False, "Invalid response object: Value of property Reason must be a string", physical_id)
    if status == "FAILED":
        return Answer(False, f"Received response status [FAILED] from custom resource. Message returned: {reason} "
                             f"(RequestId: {request['RequestId']})", physical_id)
    data = answer.get("Data", {})
    if not isinstance(data, dict):
        return Answer(False, "Invalid response object: Value of property Data must be an object", physical_id)
    return Answer(True, physical_id=physical_id, data=as_strings(data))


def _record(request: dict[str, Any], answer: Answer, seconds: float) -> None:
    """One line for each request, for people and tests; the response URL is a secret and stays out of it."""
    kept = {key: value for key, value in request.items() if key != "ResponseURL"}
    line = {**kept, "Answer": dataclasses.asdict(answer), "Seconds": round(seconds, 1)}
    with open(_TRANSCRIPT, "a", encoding="utf-8") as transcript:
        transcript.write(json.dumps(line) + "\n")
