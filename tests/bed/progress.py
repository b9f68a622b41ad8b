"""What the bed says while it works: short lines on standard error, with the seconds since the start."""

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Iterator

_STARTED = time.monotonic()
_LOCK = threading.Lock()


class BedError(Exception):
    """Something that a person has to mend; its text says what, and where to look."""


def elapsed() -> float:
    """Seconds since this program started."""
    return time.monotonic() - _STARTED


def say(text: str) -> None:
    """Prints one line with the time since the start."""
    with _LOCK:
        print(f"bed [{elapsed():5.0f} s] {text}", file=sys.stderr, flush=True)


@contextlib.contextmanager
def step(text: str, progress: Callable[[], str] = lambda: "", every: float = 10.0) -> Iterator[None]:
    """Says that a step begins, every few seconds that it still goes on, and how long it took."""
    begun, over = time.monotonic(), threading.Event()

    def remind() -> None:
        while not over.wait(every):
            say(f"{text}: {time.monotonic() - begun:.0f} s so far {progress()}".rstrip())

    say(text)
    reminder = threading.Thread(target=remind, daemon=True)
    reminder.start()
    try:
        yield
        over.set()
        say(f"{text}: done in {time.monotonic() - begun:.0f} s")
    finally:
        over.set()
        reminder.join()
