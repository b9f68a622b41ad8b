"""What the LocalStack plugin noted of the custom-resource protocol: requests, and every answer that arrived."""

import json
from typing import Any

from bed.demo.aws import Stack
from bed.settings import Settings


def requests_of(settings: Settings, stack: Stack, logical_id: str) -> list[dict[str, Any]]:
    """The requests to one resource of a stack that are over, in full and in their order; the URL is left out."""
    lines = _lines(settings, "custom-resources.jsonl")
    return [line for line in lines if (line["StackId"], line["LogicalResourceId"]) == (stack.id, logical_id)]


def answers_to(settings: Settings, request: dict[str, Any]) -> list[dict[str, Any]]:
    """Every answer to a request, also those that came when nobody waited any more; `Body` is the answer itself."""
    lines = _lines(settings, "custom-resource-answers.jsonl")
    return [line for line in lines if line["RequestId"] == request["RequestId"]]


def _lines(settings: Settings, name: str) -> list[dict[str, Any]]:
    path = settings.folders.logs / name
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
