"""The worker's /metrics under Prometheus' own parser, and every query of the dashboard and of the alerts against it.

The worker is the real program, with the simulators for its world; the rest of the bed is not needed.
"""

import dataclasses
import json
import re
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from bed.install import install_prometheus
from bed.settings import REPOSITORY, Folders
from bed.test_page import Site
from bed.waiting import wait_for

_PACKAGE_PARENT = Path(__file__).parents[1]
_DASHBOARD = REPOSITORY / "worker" / "grafana" / "sparkwright-worker.json"
_OPERATIONS = REPOSITORY / "docs" / "operations.md"

# On a busy machine too.
_SECONDS = 30

# What a worker has done when each of its metrics has a series.
_DONE = ('tasks_ended_total{outcome="success"} 1', 'tasks_ended_total{outcome="SparkJob.Failed"} 1', "last_poll_timestamp_seconds{")

# Prometheus gives these to whatever it scrapes.
_OF_PROMETHEUS = {"job", "instance"}

_SELECTOR = re.compile(r"(sparkwright_worker_\w+)(?:\{([^}]*)\})?")
_MATCHER = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)")
_GROUPED = re.compile(r"\b(?:by|on) \(([\w, ]+)\)(?=(.*))")
_RATE = re.compile(r"\b(?:rate|increase)\((sparkwright_worker_\w+)")


@dataclasses.dataclass(frozen=True)
class Scrape:
    """What Prometheus has after one look at the worker."""

    labels: dict[str, set[str]]  # Of each series' name.
    types: dict[str, str]  # The same.

    @classmethod
    def of(cls, text: str) -> "Scrape":
        """Reads the text as Prometheus does."""
        python = install_prometheus(Folders.from_environment()) / "python"
        command = [str(python), "-m", "bed.openmetrics"]
        parsed = subprocess.run(command, input=text, text=True, capture_output=True, env={"PYTHONPATH": str(_PACKAGE_PARENT)})
        assert parsed.returncode == 0, f"Prometheus refuses it: {parsed.stderr}\n{text}"
        labels: dict[str, set[str]] = {}
        types = {}
        for family in json.loads(parsed.stdout):
            for sample in family["samples"]:
                labels.setdefault(sample["name"], set()).update(sample["labels"])
                types[sample["name"]] = family["type"]
        return cls(labels, types)

    def mistakes(self, query: str) -> list[str]:
        """What a query asks for that there is not."""
        selected = _SELECTOR.findall(query)
        missing = [name for name, _ in selected if name not in self.labels]
        if missing or not selected:
            return [f"there is no {name}" for name in missing] or ["no metric of the worker"]
        found = []
        for name, matchers in selected:
            found += [f"{name} has no {label}" for label in set(_MATCHER.findall(matchers)) - self._known(name)]
        for labels, rest in _GROUPED.findall(query):
            name = _SELECTOR.search(rest)[1]
            found += [f"{name} has no {label}" for label in set(labels.split(", ")) - self._known(name)]
        found += [f"{name} is a {self.types[name]}" for name in _RATE.findall(query) if not self._counts(name)]
        return found

    def _known(self, name: str) -> set[str]:
        return self.labels[name] | _OF_PROMETHEUS

    def _counts(self, name: str) -> bool:
        return self.types[name] in ("counter", "histogram")


@pytest.fixture(scope="module")
def scrape(built: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scrape]:
    """Of a worker that has had a job that succeeded and one that failed."""
    site = Site(tmp_path_factory.mktemp("worker"))
    try:
        site.raises("checkout.py", "ValueError: no rows")
        site.schedule("checkout", "checkout.py", ClientToken="a", HeartbeatSeconds=30)
        site.schedule("pi", "pi.py")
        wait_for(lambda: all(done in _metrics(site) for done in _DONE), _SECONDS, f"{_DONE} in /metrics")
        yield Scrape.of(_metrics(site))
    finally:
        site.close()


def _metrics(site: Site) -> str:
    wanted = {"Accept": "application/openmetrics-text;version=1.0.0"}
    with urllib.request.urlopen(urllib.request.Request(f"{site.url}metrics", headers=wanted), timeout=_SECONDS) as answer:
        assert answer.headers["Content-Type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
        return answer.read().decode()


def test_prometheus_reads_it(scrape: Scrape) -> None:
    assert len(scrape.labels) > 20
    assert set(scrape.types.values()) == {"counter", "gauge", "histogram", "info"}
    assert {name for name in scrape.labels if not name.startswith("sparkwright_worker_")} == set()
    assert scrape.labels["sparkwright_worker_build_info"] == {"version"}


def test_every_query_of_the_dashboard_finds_what_it_asks_for(scrape: Scrape) -> None:
    dashboard = json.loads(_DASHBOARD.read_text())
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
    queries += [variable["definition"] for variable in dashboard["templating"]["list"] if "definition" in variable]
    assert len(queries) > 30
    assert {query: mistakes for query in queries if (mistakes := scrape.mistakes(query))} == {}


def test_every_condition_to_be_woken_for_can_come_about(scrape: Scrape) -> None:
    section = _OPERATIONS.read_text().split("### What to be woken for")[1].split("\n#")[0]
    queries = [code for code in re.findall(r"`([^`]+)`", section) if "sparkwright_worker_" in code]
    assert len(queries) >= 5
    assert {query: mistakes for query in queries if (mistakes := scrape.mistakes(query))} == {}


def test_a_query_that_finds_nothing_is_found_out(scrape: Scrape) -> None:
    wrong = {
        "sum(sparkwright_worker_slot)": "there is no sparkwright_worker_slot",
        "sum by (kind) (sparkwright_worker_tasks)": "sparkwright_worker_tasks has no kind",
        'sparkwright_worker_service_up{name="Livy"}': "sparkwright_worker_service_up has no name",
        "rate(sparkwright_worker_slots[5m])": "sparkwright_worker_slots is a gauge",
        "up == 0": "no metric of the worker",
    }
    for query, mistake in wrong.items():
        assert scrape.mistakes(query) == [mistake]
