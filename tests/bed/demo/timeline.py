"""A readable timeline: seconds since the start, what, and what it came to."""

import os
import sys
import time

_COLOURS = {"good": "32", "bad": "31", "title": "1", "quiet": "2"}
_GOOD = ("_COMPLETE", "SUCCEEDED", "RUNNING")
_BAD = ("FAILED", "ROLLBACK", "KILLED", "LOST")


class Timeline:
    """Prints to standard output; in colour only on a terminal."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._coloured = sys.stdout.isatty() and "NO_COLOR" not in os.environ

    def seconds(self) -> float:
        """Since the start."""
        return time.monotonic() - self._started

    def title(self, text: str) -> None:
        """Begins a scene."""
        print(f"\n{self._paint(text, 'title')}", flush=True)

    def event(self, what: str, state: str, remark: str = "") -> None:
        """One line: a thing and the state that it is now in."""
        colour = "bad" if any(word in state for word in _BAD) else "good" if state.endswith(_GOOD) else None
        painted = self._paint(f"{state:22}", colour)
        print(f"{self.seconds():7.1f} s  {what:34} {painted} {self._paint(remark, 'quiet')}".rstrip(), flush=True)

    def excerpt(self, text: str, first: int = 4, last: int = 10) -> None:
        """A quotation, each line behind a bar; of a long one the beginning and the end."""
        shown = text.strip().splitlines()
        if len(shown) > first + last:
            shown = [*shown[:first], "…", *shown[-last:]]
        for line in shown:
            print(f"{'':12}{self._paint('|', 'quiet')} {line[:180]}", flush=True)

    def check(self, text: str, holds: bool) -> bool:
        """Says whether something is as it should be."""
        mark = self._paint("ok ", "good") if holds else self._paint("NOT", "bad")
        print(f"{self.seconds():7.1f} s  {mark} {text}", flush=True)
        return holds

    def _paint(self, text: str, colour: str | None) -> str:
        if not self._coloured or not text or colour is None:
            return text
        return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m"
