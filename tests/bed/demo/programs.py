"""The two Rust programs: built, packed for Lambda, started as they are."""

import functools
import io
import os
import shutil
import subprocess
import tempfile
import urllib.request
import zipfile
from pathlib import Path

from bed.process import Process
from bed.progress import BedError
from bed.settings import LOOPBACK, REPOSITORY, Settings, target_folder

# How long a submission whose answer was lost is waited for. The bed's Livy looks at YARN every second.
SETTLE = "30s"
# How long the worker tries a Livy or a ResourceManager that is down.
SUBMIT_TIMEOUT_SECONDS = 10


def build() -> None:
    """A debug build of both; cargo itself says how far it is."""
    _build("--package", "spark-job-function", "--package", "sparkwright-worker")


def build_with_tests() -> None:
    """Every program, the simulators' too, as `make test-rust` builds them.

    Of the whole workspace and with a test of it: otherwise the libraries have other features, and nearly all of them would be
    built once more.
    """
    _build("--workspace", "--bins", "--test", "wire_real")


def _build(*what: str) -> None:
    if subprocess.run(["cargo", "build", "--locked", *what], cwd=REPOSITORY, stdin=subprocess.DEVNULL).returncode:
        raise BedError("the programs do not build: see cargo's messages above")


@functools.cache
def function_archive() -> bytes:
    """The function as Lambda takes it: one file named bootstrap, without debug information."""
    with tempfile.TemporaryDirectory() as folder:
        bootstrap = Path(folder, "bootstrap")
        shutil.copy(target_folder() / "debug" / "spark-job-function", bootstrap)
        if strip := shutil.which("strip"):
            subprocess.run([strip, str(bootstrap)], check=True)
        return archive(bootstrap)


def archive(program: Path, level: int = 1) -> bytes:
    """A zip with this program as `bootstrap`."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        entry = zipfile.ZipInfo("bootstrap")
        entry.external_attr = 0o755 << 16
        entry.compress_type = zipfile.ZIP_DEFLATED
        file.writestr(entry, program.read_bytes(), compresslevel=level)
    return packed.getvalue()


def start_worker(
    settings: Settings, activity_arn: str, *more: str, submit_timeout: int = SUBMIT_TIMEOUT_SECONDS,
    goes_on: bool = False, crash_at: str | None = None,
) -> Process:
    """Starts the worker on an activity, and waits until it is ready.

    `goes_on` where the last one has ended. With `crash_at` it is the program `crashing-worker`, which ends there.
    """
    journal = settings.folders.run / "worker.db"
    if not goes_on:
        for file in settings.folders.run.glob(f"{journal.name}*"):
            file.unlink()
    process = Process("worker", settings.folders.run)
    listen = f"{LOOPBACK}:{settings.ports['worker']}"
    command = [
        str(target_folder() / "debug" / ("crashing-worker" if crash_at else "sparkwright-worker")),
        "--activity-arn", activity_arn,
        "--livy-url", settings.url("livy"),
        "--resource-manager-url", settings.url("resource_manager"),
        "--settle", SETTLE, "--submit-timeout", f"{submit_timeout}s", "--heartbeat-period", "5s",
        "--listen", listen, "--journal", str(journal), *more,
    ]
    foreign = ("AWS_", "SPARKWRIGHT_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    crash = {"CRASH_AT": crash_at} if crash_at else {}
    process.start(command, kept | {"NO_COLOR": "1"} | crash | settings.environment())
    process.wait_until(lambda: _ready(f"http://{listen}/readyz"), 30)
    return process


def _ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return answer.status == 200
    except OSError:
        return False
