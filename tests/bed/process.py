"""Starting, recognising and ending processes: only those that carry the bed's own mark are ever touched."""

import contextlib
import dataclasses
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from bed.progress import BedError, say
from bed.settings import MARK

_commands: set[subprocess.Popen] = set()
_commands_lock = threading.Lock()
_ending = threading.Event()


def run_logged(
    command: Sequence[str], log: Path, cwd: Path | None = None, environment: dict[str, str] | None = None
) -> None:
    """Runs a command to its end, its output appended to a log, and fails with the log's last lines."""
    if _ending.is_set():
        raise BedError("interrupted")
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "ab") as output:
        command_process = subprocess.Popen(
            command, cwd=cwd, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    with _commands_lock:
        _commands.add(command_process)
    code = command_process.wait()
    with _commands_lock:
        _commands.discard(command_process)
    if code:
        raise BedError(f"`{' '.join(command)}` ended with {code}:\n{tail(log)}\nAll of it: {log}")


def end_running_commands() -> None:
    """Ends what `run_logged` still runs in other threads."""
    _ending.set()
    with _commands_lock:
        for command in _commands:
            if command.poll() is not None:
                continue
            with contextlib.suppress(ProcessLookupError):
                os.killpg(command.pid, signal.SIGTERM)


def tail(log: Path, lines: int = 15) -> str:
    """The last lines of a log, indented."""
    try:
        text = log.read_text(errors="replace")
    except FileNotFoundError:
        return "  (no output)"
    return "\n".join(f"  {line}" for line in text.splitlines()[-lines:])


@dataclasses.dataclass(frozen=True)
class Process:
    """One process of a bed: its record is `run/pids/<name>`, its output `run/logs/<name>.log`."""

    name: str
    run: Path

    @property
    def log(self) -> Path:
        """Where its output goes."""
        return self.run / "logs" / f"{self.name}.log"

    @property
    def _record(self) -> Path:
        return self.run / "pids" / self.name

    def pid(self) -> int | None:
        """The process id, if it runs and is really ours: ids are used again, marks are not."""
        try:
            pid = int(self._record.read_text())
        except (FileNotFoundError, ValueError):
            return None
        return pid if _carries(pid, _mark(self.run)) else None

    def start(self, command: Sequence[str], environment: dict[str, str], cwd: Path | None = None) -> int:
        """Starts it in a session of its own, so that a Ctrl-C in the terminal reaches only the bed's command."""
        for folder in (self.log.parent, self._record.parent):
            folder.mkdir(parents=True, exist_ok=True)
        with open(self.log, "ab") as output:
            started = subprocess.Popen(
                command, cwd=cwd or self.run, env={**environment, MARK: str(self.run)},
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
            )
        self._record.write_text(f"{started.pid}\n")
        # The kernel shows the environment a moment after the program was loaded; until then it would seem to be gone.
        while not _carries(started.pid, _mark(self.run)) and started.poll() is None:
            time.sleep(0.01)
        # Nobody else waits for it: without this it would stay a zombie of this program.
        threading.Thread(target=started.wait, daemon=True).start()
        return started.pid

    def wait_until(self, ready: Callable[[], bool], seconds: float) -> None:
        """Waits until it is ready; fails with its last lines if it ends or is not ready in time."""
        deadline = time.monotonic() + seconds
        while not ready():
            if self.pid() is None:
                raise BedError(f"{self.name} ended while it was starting:\n{tail(self.log)}\nAll of it: {self.log}")
            if time.monotonic() > deadline:
                raise BedError(f"{self.name} is not ready after {seconds:.0f} s:\n{tail(self.log)}\nAll of it: {self.log}")
            time.sleep(0.1)

    def stop(self, patience: float) -> None:
        """TERM, then KILL after that many seconds; nothing if it does not run."""
        self._end(signal.SIGTERM, patience)

    def kill(self) -> None:
        """KILL, as a crash would be."""
        self._end(signal.SIGKILL, 5)

    def _end(self, first: signal.Signals, patience: float) -> None:
        pid = self.pid()
        if pid is not None:
            _send(pid, first)
            if not _gone([pid], _mark(self.run), patience):
                _send(pid, signal.SIGKILL)
                _gone([pid], _mark(self.run), 5)
        self._record.unlink(missing_ok=True)


def sweep(run: Path) -> int:
    """Ends whatever still carries this bed's mark (containers, spark-submit, functions); how many there were."""
    left = marked(run)
    for signal_number, patience in ((signal.SIGTERM, 1.0), (signal.SIGKILL, 5.0)):
        remaining = marked(run)
        for pid in remaining:
            _send(pid, signal_number)
        if _gone(remaining, _mark(run), patience):
            break
    else:
        say(f"these processes of the bed did not end: {marked(run)}")
    return len(left)


def marked(run: Path) -> list[int]:
    """The live processes that carry this bed's mark, without this program and its ancestors."""
    mine = set(_ancestors(os.getpid()))
    pids = (int(entry) for entry in os.listdir("/proc") if entry.isdigit())
    return [pid for pid in pids if pid not in mine and _carries(pid, _mark(run))]


def resident_bytes(pid: int) -> int:
    """How much memory a process has; none once it has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    resident = next((line for line in status.splitlines() if line.startswith("VmRSS:")), "VmRSS: 0 kB")
    return int(resident.split()[1]) * 1024


def _mark(run: Path) -> bytes:
    return f"{MARK}={run}".encode()


def _carries(pid: int, mark: bytes) -> bool:
    # A zombie's environment reads as empty, so that it counts as gone.
    try:
        return mark in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return False


def _ancestors(pid: int) -> Iterable[int]:
    while pid > 0:
        yield pid
        try:
            status = Path(f"/proc/{pid}/stat").read_text()
        except OSError:
            return
        pid = int(status.rpartition(")")[2].split()[1])


def _send(pid: int, signal_number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal_number)


def _gone(pids: Iterable[int], mark: bytes, patience: float) -> bool:
    deadline = time.monotonic() + patience
    pids = list(pids)
    while any(_carries(pid, mark) for pid in pids):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
