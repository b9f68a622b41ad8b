"""The worker's page as people see it: in headless Chromium, of the real program, with the simulators for its world.

With SPARKWRIGHT_SCREENSHOT=FILE the page's picture for the documents is taken (docs/images/worker-page.png).
"""

import json
import os
import subprocess
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bed.browser import Browser, Tab, chromium, tab
from bed.release import AWS
from bed.settings import Folders, target_folder
from bed.waiting import wait_for

# On a busy machine too.
_SECONDS = 30
_HOSTILE = "ValueError: <img src=x onerror=document.title='taken'>"
_MISSING = "pyspark.errors.AnalysisException: [TABLE_OR_VIEW_NOT_FOUND] The table `sales`.`orders` cannot be found."
_MARK = "window.mark = 'the same document'"


class Site:
    """A worker and its world."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._world = subprocess.Popen(
            [str(target_folder() / "debug" / "simulated-site")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        where = json.loads(self._world.stdout.readline())
        log = open(folder / "worker.log", "wb")
        self.worker = subprocess.Popen(
            [str(target_folder() / "debug" / "sparkwright-worker"), "--activity-arn", where["activity"],
             "--livy-url", where["livy"], "--resource-manager-url", where["resourceManager"], "--poll-period", "100ms",
             "--slots", "8", "--pollers-per-activity", "2", "--listen", "127.0.0.1:0", "--journal", str(folder / "worker.db")],
            env={**AWS, "AWS_ENDPOINT_URL_SFN": where["stepFunctions"], "NO_COLOR": "1"}, stdout=log, stderr=log,
        )
        wait_for(lambda: 'page="http://' in self._log(), _SECONDS, "the worker polls")
        self.url = self._log().split('page="')[1].split('"')[0]

    def schedule(self, name: str, file: str, **more: Any) -> None:
        """A state asks for a job."""
        self._order(schedule={"Parameters": {"Name": name, "File": f"file:///jobs/{file}"}, **more})

    def end(self, name: str) -> None:
        """The job succeeds."""
        self._order(end=name)

    def raises(self, file: str, error: str) -> None:
        """Jobs of this file fail so."""
        self._order(**{"raise": file, "error": error})

    def close(self) -> None:
        """Ends both."""
        for process in (self.worker, self._world):
            process.kill()
            process.wait()

    def _order(self, **order: Any) -> None:
        self._world.stdin.write(json.dumps(order) + "\n")
        self._world.stdin.flush()

    def _log(self) -> str:
        return (self._folder / "worker.log").read_text()


@pytest.fixture(scope="module")
def browser() -> Browser:
    """The browser; without one the page's HTML is still tested, in Rust."""
    found = chromium(Folders.from_environment())
    if not found:
        why = "no Chromium: the worker's page is NOT tested in a browser (Debian package chromium, or npm; or set CHROMIUM)"
        warnings.warn(why, stacklevel=1)
        pytest.skip(why)
    return found


@pytest.fixture
def site(built: None, tmp_path: Path) -> Iterator[Site]:
    """A worker that polls."""
    made = Site(tmp_path)
    yield made
    made.close()


@pytest.fixture
def page(browser: Browser, site: Site, tmp_path: Path) -> Iterator[Tab]:
    """Its page in a browser."""
    with tab(browser, tmp_path / "profile") as opened:
        opened.open(site.url)
        sees(opened, "h1", "sparkwright-worker")
        yield opened


def sees(page: Tab, selector: str, text: str) -> None:
    """Waits until a person sees a text there."""
    wait_for(lambda: text in page.text(selector), _SECONDS, f"`{text}` in {selector}")


def rows(page: Tab, table: str) -> list[str]:
    """The text of each row."""
    return page.value(f"[...document.querySelectorAll('#{table} tr')].map(row => row.innerText)")


def row_of(page: Tab, table: str, name: str) -> str:
    """The row of a job."""
    return next(row for row in rows(page, table) if name in row)


def test_tasks_come_and_go_while_the_page_stays_where_it_is(site: Site, page: Tab) -> None:
    page.value(_MARK)
    site.raises("checkout.py", _MISSING)
    site.schedule("nightly-load", "forever.py", ClientToken="a", HeartbeatSeconds=30)
    site.schedule("clickstream", "forever.py", ClientToken="b", HeartbeatSeconds=30)
    site.schedule("ad-hoc", "forever.py")
    site.schedule("checkout", "checkout.py", ClientToken="c", HeartbeatSeconds=30)
    sees(page, "#worker", "3 running")
    sees(page, "#finished", "SparkJob.Failed")
    running = row_of(page, "tasks", "nightly-load-")
    assert "running" in running and "application_" in running and "no ClientToken" not in running
    careless = row_of(page, "tasks", "ad-hoc-")
    assert "no ClientToken" in careless and "no HeartbeatSeconds" in careless
    anchors = "[...document.querySelectorAll('#tasks a')]"
    links = page.value(f"{anchors}.map(link => [link.innerText, new URL(link.href).protocol])")
    assert links == [["Spark UI", "http:"], ["driver log", "http:"]] * 3
    assert "TABLE_OR_VIEW_NOT_FOUND" in row_of(page, "finished", "checkout-")
    page.order("Emulation.setDeviceMetricsOverride", width=1280, height=240, deviceScaleFactor=1, mobile=False)
    page.value("window.scrollTo(0, 150)")
    site.end("clickstream-")
    sees(page, "#finished", "succeeded")
    assert page.value("window.scrollY") == 150
    assert page.value("window.mark") == "the same document"
    assert "works" in page.text("#services") and "polled" in page.text("#activities")
    assert page.complaints() == []
    if picture := os.environ.get("SPARKWRIGHT_SCREENSHOT"):
        page.order("Emulation.setDeviceMetricsOverride", width=1440, height=690, deviceScaleFactor=1, mobile=False)
        page.value("window.scrollTo(0, 0)")
        page.screenshot(Path(picture))


def test_what_a_job_says_is_text(site: Site, page: Tab) -> None:
    site.raises("hostile.py", _HOSTILE)
    site.schedule("hostile", "hostile.py")
    sees(page, "#finished", "<img src=x")
    assert page.value("document.images.length") == 0
    assert page.value("document.title") == "sparkwright-worker"


def test_a_worker_that_has_gone_is_said_to_be(site: Site, page: Tab) -> None:
    assert page.text("#stale") == ""
    site.worker.kill()
    sees(page, "#stale", "The worker does not answer since")


def test_without_script_the_page_loads_itself_anew(site: Site, page: Tab) -> None:
    page.order("Emulation.setScriptExecutionDisabled", value=True)
    page.open(site.url)
    site.schedule("nightly-load", "forever.py")
    sees(page, "#worker", "1 running")
