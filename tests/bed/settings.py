"""Where the bed lives, which ports it uses and how it is configured: all variables of the environment that tell it."""

import dataclasses
import functools
import json
import os
import random
import socket
import subprocess
from pathlib import Path

from bed.progress import BedError

REPOSITORY = Path(__file__).resolve().parents[2]
LOOPBACK = "127.0.0.1"
REGION = "us-east-1"
ACCOUNT = "000000000000"  # LocalStack's.

# The variable in the environment of every process of a bed; its value is the bed's run directory.
MARK = "SPARKWRIGHT_BED_MARK"

_FIXED_PORTS = {
    "livy": "SPARKWRIGHT_BED_LIVY_PORT",
    "resource_manager": "SPARKWRIGHT_BED_RESOURCE_MANAGER_PORT",
    "localstack": "SPARKWRIGHT_BED_LOCALSTACK_PORT",
}
_INNER_PORTS = (
    "worker",
    "rm_scheduler", "rm_tracker", "rm_client", "rm_admin",
    "nm_localizer", "nm_address", "nm_web", "nm_collector",
)

ENVIRONMENT_HELP = """\
environment:
  SPARKWRIGHT_BED_DIR                    downloads, kept between runs (target/bed)
  SPARKWRIGHT_BED_RUN                    configuration, logs and process ids of one bed (<dir>/run);
                                         a second bed at the same time needs another one
  SPARKWRIGHT_BED_LIVY_PORT              ports; a free one is chosen for each that is not set
  SPARKWRIGHT_BED_RESOURCE_MANAGER_PORT
  SPARKWRIGHT_BED_LOCALSTACK_PORT
  SPARKWRIGHT_BED_JAVA_HOME              a JDK 17 (else JAVA_HOME, what `java` belongs to, or /usr/lib/jvm/*17*,
                                         whichever is one)
  CARGO_TARGET_DIR                       where the programs are built (target)
"""


@dataclasses.dataclass(frozen=True)
class Folders:
    """The two folders of a bed."""

    cache: Path  # What was fetched.
    run: Path  # What belongs to one bed that is up.

    @classmethod
    def from_environment(cls) -> "Folders":
        """The folders that the environment names, else those under target/."""
        cache = Path(os.environ.get("SPARKWRIGHT_BED_DIR") or REPOSITORY / "target" / "bed").absolute()
        return cls(cache, Path(os.environ.get("SPARKWRIGHT_BED_RUN") or cache / "run").absolute())

    @property
    def logs(self) -> Path:
        """One log for each process."""
        return self.run / "logs"

    @property
    def jobs(self) -> Path:
        """The only local folder from which Livy lets a batch take its files."""
        return self.run / "jobs"

    @property
    def localstack_venv(self) -> Path:
        """LocalStack, boto3 and pytest."""
        return self.cache / "localstack"

    @property
    def spark_venv(self) -> Path:
        """Where pyspark is installed."""
        return self.cache / "spark"

    @property
    def spark_home(self) -> Path:
        """Spark itself, inside the package."""
        found = sorted(self.spark_venv.glob("lib/python3.*/site-packages/pyspark"))
        if not found:
            raise BedError(f"there is no Spark in {self.spark_venv}: run `make bed-install`")
        return found[0]


@dataclasses.dataclass(frozen=True)
class Options:
    """How Livy is configured; the defaults are fast and lenient, which suits most tests."""

    recovery: bool = False  # Livy remembers its batches over a restart.
    csrf: bool = False  # Livy wants the X-Requested-By header.
    retain: str = "600s"  # How long Livy keeps an ended batch.
    poll_interval: str = "1s"  # How often Livy looks at YARN (its own default: 5s).
    livy_conf: tuple[str, ...] = ()  # Further `key = value` lines.


@dataclasses.dataclass(frozen=True)
class Settings:
    """Everything that is fixed while a bed is up, written to its run directory."""

    folders: Folders
    options: Options
    ports: dict[str, int]

    @classmethod
    def choose(cls, folders: Folders, options: Options) -> "Settings":
        """Settings for a new bed, with free ports where the environment names none."""
        return cls(folders, options, _choose_ports())

    @classmethod
    def load(cls, folders: Folders) -> "Settings":
        """The settings of the bed that is up."""
        path = folders.run / "bed.json"
        try:
            stored = json.loads(path.read_text())
            stored["options"]["livy_conf"] = tuple(stored["options"]["livy_conf"])
            return cls(folders, Options(**stored["options"]), stored["ports"])
        except FileNotFoundError:
            raise BedError(f"no bed was started in {folders.run}: run `make bed-up`") from None
        except (ValueError, LookupError, TypeError) as error:
            raise BedError(f"{path} is not what this version writes ({error}): `make bed-down`, then `make bed-up`") from error

    def save(self) -> None:
        """Writes what `load` reads."""
        stored = {"options": dataclasses.asdict(self.options), "ports": self.ports}
        (self.folders.run / "bed.json").write_text(json.dumps(stored, indent=2) + "\n")

    def url(self, part: str) -> str:
        """The address of a part that speaks HTTP."""
        return f"http://{LOOPBACK}:{self.ports[part]}"

    def environment(self) -> dict[str, str]:
        """What a client of this bed needs to know; `bed env` prints it."""
        return {
            "SPARKWRIGHT_LIVY_URL": self.url("livy"),
            "SPARKWRIGHT_RESOURCE_MANAGER_URL": self.url("resource_manager"),
            "SPARKWRIGHT_JOBS_DIR": str(self.folders.jobs),
            "AWS_ENDPOINT_URL": self.url("localstack"),
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": ACCOUNT,
            "AWS_SECRET_ACCESS_KEY": "test",
        }


def named_jdk() -> Path | None:
    """The JDK that the environment names for the bed."""
    named = os.environ.get("SPARKWRIGHT_BED_JAVA_HOME")
    return Path(named) if named else None


def named_ports() -> dict[str, int]:
    """The ports that the environment names, whether they are free or not."""
    named = {part: os.environ.get(variable, "").strip() for part, variable in _FIXED_PORTS.items()}
    ports = {part: _port(_FIXED_PORTS[part], text) for part, text in named.items() if text}
    for part, port in ports.items():
        if twice := [other for other in ports if other != part and ports[other] == port]:
            raise BedError(f"port {port} is given to two parts: {_FIXED_PORTS[part]} and {_FIXED_PORTS[twice[0]]}")
    return ports


@functools.cache
def target_folder() -> Path:
    """Where cargo builds: what it was told by CARGO_TARGET_DIR or its own configuration, else target/."""
    command = ["cargo", "metadata", "--locked", "--no-deps", "--format-version", "1"]
    asked = subprocess.run(command, cwd=REPOSITORY, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if asked.returncode:
        raise BedError(f"cargo does not say where it builds:\n{asked.stderr.strip()}")
    return Path(json.loads(asked.stdout)["target_directory"])


def _port(variable: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
        raise BedError(f"{variable} is `{text}`, which is not a port: give a number from 1 to 65535, or none for a free port")
    return int(text)


def _choose_ports() -> dict[str, int]:
    ports = named_ports()
    for part, port in ports.items():
        if why := _why_taken(port):
            raise BedError(f"port {port} ({_FIXED_PORTS[part]}) cannot be used: {why}")
    # Below the range from which the kernel gives ports to outgoing connections.
    candidates = iter(random.sample(range(20000, 32000), 200))
    for part in (*_FIXED_PORTS, *_INNER_PORTS):
        if part not in ports:
            ports[part] = next(port for port in candidates if port not in ports.values() and not _why_taken(port))
    return ports


def _why_taken(port: int) -> str | None:
    with socket.socket() as probe:
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            return error.strerror
    return None
