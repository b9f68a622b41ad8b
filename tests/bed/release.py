"""`make package` and `make sizes`: the release builds, what they need of a machine, how big they are, and idle."""

import argparse
import dataclasses
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from bed.cli import run_command
from bed.demo.programs import archive
from bed.localstack_plugin.functions import FunctionProcess
from bed.process import resident_bytes
from bed.progress import BedError
from bed.settings import REPOSITORY, target_folder

# A zip below this starts fast, and can be given to Lambda without a bucket.
_MAX_ARCHIVE_BYTES = 4 * 1024 * 1024
_IDLE_SECONDS = 5.0
# The C library of Lambda's provided.al2023, which the template names.
_LAMBDA_GLIBC = (2, 34)


@dataclasses.dataclass(frozen=True)
class Package:
    """What is shipped."""

    function: Path
    archive: Path
    worker: Path


def package() -> Package:
    """Builds both programs, says which C library each needs, and packs the function if Lambda has it."""
    command = ["cargo", "build", "--locked", "--release", "--package", "spark-job-function", "--package", "sparkwright-worker"]
    if subprocess.run(command, cwd=REPOSITORY, stdin=subprocess.DEVNULL).returncode:
        raise BedError("the programs do not build: see cargo's messages above")
    function, worker = (target_folder() / "release" / name for name in ("spark-job-function", "sparkwright-worker"))
    packed = target_folder() / "lambda" / "spark-job-function" / "bootstrap.zip"
    packed.unlink(missing_ok=True)
    needed = {program: glibc(program) for program in (function, worker)}
    for program, version in needed.items():
        print(f"{program.name:24}needs glibc {shown(version)} or later")
    if needed[function] > _LAMBDA_GLIBC:
        raise BedError(f"the function needs glibc {shown(needed[function])}, and Lambda's provided.al2023 has "
                       f"{shown(_LAMBDA_GLIBC)}: build it on a system that has no later one, such as Amazon Linux 2023")
    packed.parent.mkdir(parents=True, exist_ok=True)
    packed.write_bytes(archive(function, level=9))
    return Package(function, packed, worker)


def sizes() -> None:
    """Prints sizes and idle memory; fails if the zip is too big."""
    made = package()
    archive_bytes = made.archive.stat().st_size
    rows = [
        ("function, zip file", archive_bytes),
        ("function, bootstrap", made.function.stat().st_size),
        ("worker", made.worker.stat().st_size),
        ("function, idle memory", _idle_function(made.function)),
        ("worker, idle memory", _idle_worker(made.worker)),
    ]
    for what, size in rows:
        print(f"{what:24}{size / 1024 / 1024:8.2f} MB")
    if archive_bytes >= _MAX_ARCHIVE_BYTES:
        raise BedError(f"the function's zip file is not below {_MAX_ARCHIVE_BYTES // 1024 // 1024} MB")


def glibc(program: Path) -> tuple[int, ...]:
    """The latest version of the C library's symbols that a program uses; (0,) for one that uses none."""
    # It reads the programs of every platform; objdump only those of its own.
    readelf = shutil.which("readelf")
    if readelf is None:
        raise BedError("`readelf` is missing: Debian package binutils, which gcc brings")
    symbols = subprocess.run([readelf, "--wide", "--dyn-syms", str(program)], capture_output=True, text=True)
    if symbols.returncode or "Symbol table" not in symbols.stdout:
        raise BedError(f"readelf cannot read {program}: {symbols.stderr.strip()}")
    return latest_glibc(symbols.stdout)


def latest_glibc(symbols: str) -> tuple[int, ...]:
    """The latest version of the C library in a list of symbols."""
    versions = re.findall(r"@GLIBC_(\d+(?:\.\d+)*)\b", symbols)
    return max((tuple(map(int, version.split("."))) for version in versions), default=(0,))


def shown(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def _idle_function(program: Path) -> int:
    """Resident memory of a function that waits for its first invocation."""
    with tempfile.TemporaryDirectory() as folder:
        bootstrap = Path(folder, "bootstrap")
        bootstrap.write_bytes(program.read_bytes())
        environment = {"AWS_LAMBDA_FUNCTION_NAME": "sizes", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
                       "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST", **AWS}
        function = FunctionProcess("sizes", Path(folder), environment, timeout=60, logs=Path(folder))
        try:
            if not function.start():
                raise BedError(f"the function does not start:\n{function.log.read_text()}")
            time.sleep(_IDLE_SECONDS)
            return resident_bytes(function.pid)
        finally:
            function.close()


def _idle_worker(program: Path) -> int:
    """Resident memory of a worker whose polls find no task."""
    service = ThreadingHTTPServer(("127.0.0.1", 0), _NoTasks)
    service.daemon_threads = True
    threading.Thread(target=service.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as folder, open(Path(folder, "log"), "wb") as log:
        worker = subprocess.Popen(
            [str(program), "--activity-arn", "arn:aws:states:us-east-1:000000000000:activity:sizes", "--listen", "off",
             "--journal", "worker.db"],
            env={**AWS, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{service.server_port}"}, cwd=folder, stdout=log, stderr=log,
        )
        try:
            time.sleep(_IDLE_SECONDS)
            if worker.poll() is not None:
                raise BedError(f"the worker does not run:\n{Path(folder, 'log').read_text()}")
            return resident_bytes(worker.pid)
        finally:
            worker.kill()
            worker.wait()
            service.shutdown()


class _NoTasks(BaseHTTPRequestHandler):
    """Step Functions without a task: a poll is held."""

    def do_POST(self) -> None:
        """Holds the request."""
        time.sleep(60)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


AWS = {"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "none", "AWS_SECRET_ACCESS_KEY": "none"}


def main() -> int:
    """`python3 -m bed.release package|sizes`."""
    parser = argparse.ArgumentParser(prog="python3 -m bed.release", description=__doc__)
    parser.add_argument("what", choices=("package", "sizes"))
    what = parser.parse_args().what
    return run_command(sizes if what == "sizes" else lambda: print(package().archive))


if __name__ == "__main__":
    sys.exit(main())
