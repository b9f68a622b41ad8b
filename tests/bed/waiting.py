"""Waiting for something that comes about by itself."""

import time
from collections.abc import Callable


def wait_for(condition: Callable[[], bool], seconds: float, what: str = "it") -> None:
    """Returns when the condition holds; a TimeoutError if it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {seconds:.0f} s")
        time.sleep(0.1)
