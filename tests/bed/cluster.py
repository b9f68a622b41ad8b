"""What YARN says about applications, read from the ResourceManager's REST interface."""

import dataclasses
import json
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

LIVE_STATES = ("NEW", "NEW_SAVING", "SUBMITTED", "ACCEPTED", "RUNNING")


@dataclasses.dataclass(frozen=True)
class Application:
    """One application as the ResourceManager sees it."""

    id: str
    name: str
    state: str
    final_status: str
    # Seconds since the epoch, by the ResourceManager's clock, which is this machine's.
    started: float
    finished: float | None

    @property
    def lives(self) -> bool:
        """Whether it has not ended."""
        return self.state in LIVE_STATES

    def __str__(self) -> str:
        return self.state if self.lives else f"{self.state}/{self.final_status}"


class Cluster:
    """The ResourceManager of the bed."""

    def __init__(self, url: str) -> None:
        self._url = url

    def application(self, application_id: str) -> Application | None:
        """One application, if YARN knows it."""
        answer = self._get(f"apps/{application_id}")
        return _application(answer["app"]) if answer else None

    def applications(self) -> list[Application]:
        """Every application, oldest first."""
        answer = self._get("apps?deSelects=resourceRequests") or {}
        found = ((answer.get("apps") or {}).get("app")) or []
        return sorted(map(_application, found), key=lambda application: application.id)

    def live(self) -> list[Application]:
        """Those that have not ended."""
        return [application for application in self.applications() if application.lives]

    def kill(self, application_id: str) -> None:
        """Orders an application's end."""
        request = urllib.request.Request(
            f"{self._url}/ws/v1/cluster/apps/{application_id}/state?user.name=hadoop", b'{"state": "KILLED"}',
            {"Content-Type": "application/json"}, method="PUT",
        )
        urllib.request.urlopen(request, timeout=10).close()

    def active_nodes(self) -> int | None:
        """How many nodes can run containers; nothing while the ResourceManager does not answer."""
        try:
            answer = self._get("metrics")
        except (OSError, ValueError):
            return None
        return answer["clusterMetrics"]["activeNodes"] if answer else None

    def _get(self, path: str) -> dict[str, Any] | None:
        try:
            with urllib.request.urlopen(f"{self._url}/ws/v1/cluster/{path}", timeout=10) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise


def _application(answer: dict[str, Any]) -> Application:
    finished = answer["finishedTime"] / 1000 or None
    return Application(
        answer["id"], answer["name"], answer["state"], answer["finalStatus"], answer["startedTime"] / 1000, finished
    )
