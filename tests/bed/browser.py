"""Headless Chromium, told what to do over a pipe by the DevTools protocol: no driver and no further package is needed."""

import contextlib
import dataclasses
import json
import os
import platform
import shutil
import signal
import subprocess
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bed.install import install_browser
from bed.progress import BedError
from bed.settings import Folders

_PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# It calls nobody, and a container without user namespaces will do: it only ever sees pages of this machine.
_OPTIONS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
    "--remote-debugging-pipe", "about:blank",
)


@dataclasses.dataclass(frozen=True)
class Browser:
    """A program with what its environment has to have besides."""

    program: str
    environment: dict[str, str]


def chromium(folders: Folders) -> Browser | None:
    """What CHROMIUM names, or the machine's own, or else one from npm; none where npm is missing or has none for the machine."""
    named = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, _PROGRAMS)), None)
    if named:
        return Browser(named, {})
    if platform.machine() != "x86_64" or not shutil.which("npm"):
        return None
    folder = install_browser(folders)
    needs = {"LD_LIBRARY_PATH": str(folder / "lib"), "FONTCONFIG_FILE": str(folder / "fonts.conf")}
    return Browser(str(folder / "chromium"), needs)


class Tab:
    """A browser's only tab."""

    def __init__(self, answers: int, orders: int) -> None:
        self._answers, self._orders = os.fdopen(answers, "rb"), os.fdopen(orders, "wb")
        self._number, self._rest = 0, b""
        self._session: str | None = None
        # What the browser told by itself, in its order.
        self.events: list[dict[str, Any]] = []
        target = self.order("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.order("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Log", "Runtime"):
            self.order(f"{domain}.enable")

    def open(self, url: str, width: int = 1280, height: int = 800) -> None:
        """Goes to a page, in a window of this size."""
        self.order("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.order("Page.navigate", url=url)

    def value(self, expression: str) -> Any:
        """What a JavaScript expression is on the page as it stands now."""
        result = self.order("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in result:
            raise BedError(f"`{expression}` fails on the page: {result['exceptionDetails']}")
        return result["result"].get("value")

    def text(self, selector: str) -> str:
        """The text that a person sees of the first element; empty when there is none."""
        return self.value(f"document.querySelector({json.dumps(selector)})?.innerText ?? ''")

    def screenshot(self, file: Path) -> None:
        """The window as a PNG."""
        file.write_bytes(b64decode(self.order("Page.captureScreenshot", format="png")["data"]))

    def complaints(self) -> list[str]:
        """What the browser had to say of the page: refused by its policy, failed in its script."""
        told = [event["params"] for event in self.events if event["method"] in ("Log.entryAdded", "Runtime.exceptionThrown")]
        return [json.dumps(params) for params in told]

    def order(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Gives one order of the protocol and waits for its answer."""
        self._number += 1
        order = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            order["sessionId"] = self._session
        self._orders.write(json.dumps(order).encode() + b"\0")
        self._orders.flush()
        while True:
            message = self._message()
            if message.get("id") != self._number:
                self.events.append(message)
            elif "error" in message:
                raise BedError(f"Chromium refuses {method}: {message['error']}")
            else:
                return message["result"]

    def _message(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            more = self._answers.read1(1 << 16)
            if not more:
                raise BedError("Chromium has ended")
            self._rest += more
        message, self._rest = self._rest.split(b"\0", 1)
        return json.loads(message)


@contextlib.contextmanager
def tab(browser: Browser, profile: Path) -> Iterator[Tab]:
    """A browser with a new profile, ended after that."""
    orders_in, orders_out = os.pipe()
    answers_in, answers_out = os.pipe()
    # Chromium reads from 3 and writes to 4; Python itself may use these until the program is there.
    program = [browser.program, *_OPTIONS, f"--user-data-dir={profile}"]
    command = ["bash", "-c", f'exec "$0" "$@" 3<&{orders_in} 4>&{answers_out}', *program]
    with open(profile.with_suffix(".log"), "wb") as log:
        process = subprocess.Popen(
            command, pass_fds=(orders_in, answers_out), env={**os.environ, **browser.environment},
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )
    os.close(orders_in)
    os.close(answers_out)
    try:
        yield Tab(answers_in, orders_out)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
