"""Livy was killed and started again without recovery: it knows nothing, and gives its numbers out anew."""

import dataclasses
import json
import secrets
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bed.bed import LIVY, Bed
from bed.cluster import Application
from bed.demo.aws import Stack
from bed.demo.stage import Stage
from bed.scenario import PATIENCE_SECONDS, Scenario
from bed.waiting import wait_for


@dataclasses.dataclass(frozen=True)
class Forgotten:
    """Two stacks whose batches Livy has forgotten, and a batch of somebody else that has the number of the first."""

    runs: Scenario
    running: Stack
    ended: Scenario
    succeeded: Stack
    foreign: dict[str, Any]

    def foreign_application(self) -> Application | None:
        """Somebody else's application."""
        found = self.runs.stage.cluster.applications()
        return next((application for application in found if application.name == self.foreign["name"]), None)


@pytest.fixture(scope="module")
def forgotten(bed: Bed, a_stage: Stage, scenarios: Callable[[], Scenario]) -> Iterator[Forgotten]:
    runs, ended = scenarios(), scenarios()
    restart(bed)  # So that the numbers begin at 0.
    running = runs.create()
    wait_for(lambda: runs.batch() is not None, PATIENCE_SECONDS, "the first batch")
    succeeded = ended.create({"File": "sleep.py", "Args": [0]}, WaitFor="Success")
    runs.becomes(running, "CREATE_COMPLETE")
    ended.becomes(succeeded, "CREATE_COMPLETE")
    restart(bed)
    name = f"somebody-elses-{secrets.token_hex(4)}"
    foreign = post(a_stage, {"name": name, "file": a_stage.job("sleep.py"), "args": ["3600"], "numExecutors": 1})
    made = Forgotten(runs, running, ended, succeeded, foreign)
    assert str(foreign["id"]) == running.outputs()["BatchId"]
    wait_for(lambda: made.foreign_application() is not None, PATIENCE_SECONDS, "the foreign application")
    yield made
    print(f"somebody else's: {made.foreign_application()}")
    if (application := made.foreign_application()) and application.lives:
        a_stage.cluster.kill(application.id)


def restart(bed: Bed) -> None:
    """As after a crash."""
    bed.kill(LIVY.name)
    bed.start(LIVY.name)


def post(stage: Stage, batch: dict[str, Any]) -> dict[str, Any]:
    """A batch that no program of this repository has made."""
    request = urllib.request.Request(
        f"{stage.settings.url('livy')}/batches", json.dumps(batch).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def test_a_delete_stops_its_own_job_and_not_the_one_that_has_its_number(forgotten: Forgotten) -> None:
    assert forgotten.runs.batch() is None
    assert str(forgotten.runs.the_live_one()) == "RUNNING"
    forgotten.runs.delete(forgotten.running)
    assert [str(found) for found in forgotten.runs.applications()] == ["KILLED/KILLED"]
    foreign = forgotten.foreign_application()
    assert foreign is not None and foreign.lives, foreign


def test_a_delete_of_a_job_that_had_ended_succeeds_and_touches_nothing(forgotten: Forgotten) -> None:
    assert forgotten.ended.batch() is None
    forgotten.ended.delete(forgotten.succeeded)
    assert [str(found) for found in forgotten.ended.applications()] == ["FINISHED/SUCCEEDED"]
    foreign = forgotten.foreign_application()
    assert foreign is not None and foreign.lives, foreign
