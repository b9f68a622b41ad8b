"""LocalStack: CloudFormation, Lambda and Step Functions as one ordinary process, with this project's plugin."""

import json
import os
import urllib.request
from pathlib import Path

from bed.process import Process
from bed.settings import LOOPBACK, Settings

_PACKAGE_PARENT = Path(__file__).parents[1]


def start(settings: Settings, process: Process) -> None:
    """Starts it and waits until it answers."""
    folders = settings.folders
    home = folders.run / "localstack"
    home.mkdir(parents=True, exist_ok=True)
    foreign = ("AWS_", "LOCALSTACK_", "PYTHON", "SPARKWRIGHT_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    environment = kept | {
        "PYTHONPATH": str(_PACKAGE_PARENT),
        "PYTHONUNBUFFERED": "1",
        "GATEWAY_LISTEN": f"{LOOPBACK}:{settings.ports['localstack']}",
        "FILESYSTEM_ROOT": str(home),
        # In a container it would otherwise write outside of that folder.
        "OVERRIDE_IN_DOCKER": "0",
        # Where it remembers the plugins of what is installed: another bed's would mislead it.
        "XDG_CACHE_HOME": str(home / "cache"),
        "TMPDIR": str(_made(home / "tmp")),
        "DNS_ADDRESS": "0",
        "DISABLE_EVENTS": "1",
        "SKIP_SSL_CERT_DOWNLOAD": "1",
        "PLUGIN_LOGS": str(folders.logs),
    }
    process.start([str(folders.localstack_venv / "bin" / "python"), "-m", "bed.localstack_plugin"], environment, cwd=home)
    process.wait_until(lambda: _answers(settings), 120)


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _answers(settings: Settings) -> bool:
    try:
        with urllib.request.urlopen(f"{settings.url('localstack')}/_localstack/health", timeout=2) as answer:
            return "services" in json.load(answer)
    except (OSError, ValueError):
        return False
