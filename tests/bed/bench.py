"""`make bench-function`: how soon the function is there, how soon it answers, and how much memory it takes.

Its release build runs as Lambda would run it: as `bootstrap`, against the Lambda Runtime API, with the answer put over
TLS. What Lambda itself adds, above all the fetching of the code, is not in it. It prints and asserts no speed.
"""

import contextlib
import dataclasses
import os
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bed.bench_world import Event, Sink, SparkCluster
from bed.cli import run_command
from bed.localstack_plugin.runtime_api import Invocation, RuntimeApi
from bed.progress import BedError, step
from bed.release import AWS, package

_RUNS = 10
_WARM_EVENTS = 5
_PATIENCE_SECONDS = 30.0
_AIM_START_MS = 20.0
_AIM_PEAK_MB = 20.0
# The public authorities, which a function loads before its first TLS connection.
_AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")


@dataclasses.dataclass(frozen=True)
class Took:
    """Milliseconds that passed, and those in which the function had a processor: the second bear a busy machine."""

    passed: float
    processor: float


@dataclasses.dataclass(frozen=True)
class Run:
    """One process from its start on. Memory in megabytes."""

    start: Took  # To the first `next`.
    first: Took  # From the first event to its answer.
    warm: Took  # The same for a later one; the median.
    idle_peak: float
    peak: float  # After the last event.


@dataclasses.dataclass(frozen=True)
class World:
    """What the processes of a bench share."""

    bootstrap: Path
    trusted: Path
    sink: Sink


def bench() -> None:
    """Builds, measures and prints."""
    made = package()
    with tempfile.TemporaryDirectory() as folder, SparkCluster() as cluster:
        bootstrap = Path(folder, "bootstrap")
        bootstrap.write_bytes(made.function.read_bytes())
        bootstrap.chmod(0o755)
        certificate, key = _certificate(Path(folder))
        with Sink(certificate, key) as sink:
            world = World(bootstrap, _trusted(Path(folder), certificate), sink)
            with step(f"measuring {_RUNS} processes of each kind"):
                nothing = [_measure(world, sink.delete("sparkwright:1:none:0123456789ab")) for _ in range(_RUNS)]
                asked = cluster.requests
                looking = [_measure(world, sink.delete(cluster.physical_id)) for _ in range(_RUNS)]
                if cluster.requests - asked < 2 * _RUNS * (_WARM_EVENTS + 1):
                    raise BedError("the function did not ask Livy and the ResourceManager: the bench measures the wrong thing")
            any_process = [_empty_process() for _ in range(_RUNS)]
    everything = nothing + looking
    print(f"{_RUNS} processes of each kind: median (least to most); of that, with a processor")
    _print("start of any process", "ms", any_process)
    _print_times("start to first `next`", [run.start for run in everything])
    print("Delete of a resource that was never created")
    _print_events(nothing)
    print("Delete of a finished job: one look at Livy and the ResourceManager")
    _print_events(looking)
    print("memory and size")
    _print("peak, before an event", "MB", [run.idle_peak for run in everything])
    _print("peak, never created", "MB", [run.peak for run in nothing])
    _print("peak, finished job", "MB", [run.peak for run in looking])
    _print("zip file", "MB", [made.archive.stat().st_size / 1024 / 1024])
    print(f"aims; load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    _verdict("start to first `next`", "ms", [run.start.passed for run in everything], _AIM_START_MS)
    _verdict("the same with a processor", "ms", [run.start.processor for run in everything], _AIM_START_MS)
    _verdict("peak memory", "MB", [run.peak for run in everything], _AIM_PEAK_MB)


def _measure(world: World, event: Event) -> Run:
    """Starts a process and gives it events, one after the other."""
    with _function(world) as (process, api, start):
        idle_peak = _peak_megabytes(process.pid)
        times = [_answered(world.sink, api, process, event) for _ in range(1 + _WARM_EVENTS)]
        warm = Took(statistics.median(t.passed for t in times[1:]), statistics.median(t.processor for t in times[1:]))
        return Run(start, times[0], warm, idle_peak, _peak_megabytes(process.pid))


@contextlib.contextmanager
def _function(world: World) -> Iterator[tuple[subprocess.Popen, RuntimeApi, Took]]:
    """A process that has come for its first event, and what that took."""
    api = RuntimeApi()
    environment = {
        "AWS_LAMBDA_FUNCTION_NAME": "bench", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256", "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_RUNTIME_API": api.address, "SSL_CERT_FILE": str(world.trusted), **AWS,
    }
    log = world.bootstrap.with_name("log")
    with open(log, "wb") as output:
        began = time.perf_counter()
        process = subprocess.Popen([str(world.bootstrap)], env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        try:
            if not api.asked.wait(_PATIENCE_SECONDS) or process.poll() is not None:
                raise BedError(f"the function does not start:\n{log.read_text()}")
            yield process, api, Took((time.perf_counter() - began) * 1000, _processor_ms(process.pid))
        finally:
            process.kill()
            process.wait()
            api.close()


def _answered(sink: Sink, api: RuntimeApi, process: subprocess.Popen, event: Event) -> Took:
    """From the event to its answer, which must be a success; returns when the function is idle again."""
    deadline_ms = int((time.time() + _PATIENCE_SECONDS) * 1000)
    before, began = _processor_ms(process.pid), time.perf_counter()
    api.invocations.put(Invocation("8f507cfc", event.payload(), deadline_ms, f"arn:{event.physical_id}", "Root=1-5bef4de7"))
    at, answer = sink.answers.get(timeout=_PATIENCE_SECONDS)
    if answer.get("Status") != "SUCCESS" or process.poll() is not None:
        raise BedError(f"the function answered {answer}")
    api.results.get(timeout=_PATIENCE_SECONDS)
    return Took((at - began) * 1000, _processor_ms(process.pid) - before)


def _empty_process() -> float:
    """What this machine needs to start a program that does nothing, and to see its end."""
    began = time.perf_counter()
    subprocess.run(["/bin/true"], env={}, stdin=subprocess.DEVNULL, check=True)
    return (time.perf_counter() - began) * 1000


def _processor_ms(pid: int) -> float:
    """How long all of its threads have had a processor. Only those that live count, and the function ends none."""
    threads = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads) / 1e6


def _peak_megabytes(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


def _certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for `localhost` that nobody trusts yet, and its key."""
    certificate, key = folder / "sink.pem", folder / "sink.key"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1",
               "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
               "-addext", "basicConstraints=critical,CA:FALSE", "-keyout", str(key), "-out", str(certificate)]
    try:
        made = subprocess.run(command, capture_output=True, text=True)
    except FileNotFoundError:
        raise BedError("`openssl` is missing: Debian package openssl") from None
    if made.returncode:
        raise BedError(f"openssl makes no certificate:\n{made.stderr}")
    ssl.create_default_context(cafile=str(certificate))
    return certificate, key


def _trusted(folder: Path, certificate: Path) -> Path:
    """That certificate among the public ones, as many as a function really loads."""
    public = _AUTHORITIES.read_bytes() if _AUTHORITIES.exists() else b""
    trusted = folder / "trusted.pem"
    trusted.write_bytes(public + b"\n" + certificate.read_bytes())
    return trusted


def _print_events(runs: list[Run]) -> None:
    _print_times("first event to its answer", [run.first for run in runs])
    _print_times("later event to its answer", [run.warm for run in runs])
    passed = statistics.median(run.first.passed for run in runs) / statistics.median(run.warm.passed for run in runs)
    processor = statistics.median(run.first.processor for run in runs) / statistics.median(run.warm.processor for run in runs)
    print(f"  {'first / later':30}{passed:8.1f}{'':26}{processor:8.1f}")


def _print_times(what: str, times: list[Took]) -> None:
    processor = _summary("ms", [took.processor for took in times])
    print(f"  {what:30}{_summary('ms', [took.passed for took in times]):34}{processor}")


def _print(what: str, unit: str, values: list[float]) -> None:
    print(f"  {what:30}{_summary(unit, values)}")


def _summary(unit: str, values: list[float]) -> str:
    spread = f" ({min(values):.1f} to {max(values):.1f})" if len(values) > 1 else ""
    return f"{statistics.median(values):8.1f} {unit}{spread}"


def _verdict(what: str, unit: str, values: list[float], aim: float) -> None:
    median = statistics.median(values)
    print(f"  {what:30}{median:8.1f} {unit}, aim below {aim:.0f}: {'met' if median < aim else 'MISSED'}")


if __name__ == "__main__":
    sys.exit(run_command(bench))
