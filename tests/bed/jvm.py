"""The JDK, and how the bed's Java processes are started: small, with the doors of Java 17 that they need open."""

import functools
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

from bed.progress import BedError
from bed.settings import Settings, named_jdk

# With others Spark 3.5 does not work: with JDK 25 Livy answers, but PySpark jobs die with "getSubject is not supported".
_VERSION = 17
_INSTALLED = Path("/usr/lib/jvm")

_LOG4J = """\
log4j.rootCategory=INFO, console
log4j.appender.console=org.apache.log4j.ConsoleAppender
log4j.appender.console.target=System.err
log4j.appender.console.layout=org.apache.log4j.PatternLayout
log4j.appender.console.layout.ConversionPattern=%d{yyyy-MM-dd HH:mm:ss.SSS} %p %c{1}: %m%n
log4j.logger.org.eclipse.jetty=WARN
"""


@functools.cache
def java_home() -> Path:
    """The JDK 17 of this machine."""
    found = next((home for home in _candidates() if _defect(home) is None), None)
    if found is None:
        raise BedError(str(jdk_problem()))
    return found


def jdk_problem() -> str | None:
    """What is wrong with every JDK that was found, unless one is right."""
    defects = [(home, _defect(home)) for home in _candidates()]
    if any(defect is None for _, defect in defects):
        return None
    looked = "; ".join(dict.fromkeys(f"{home} {defect}" for home, defect in defects))
    advice = "Debian package openjdk-17-jdk-headless, or name one in SPARKWRIGHT_BED_JAVA_HOME"
    return f"a JDK {_VERSION}{f' ({looked})' if looked else ''}: {advice}"


def java_command(
    settings: Settings, classpath: str, main_class: str, opens: Iterable[str], properties: dict[str, object] | None = None
) -> list[str]:
    """The command line of a JVM with little memory."""
    properties = {"java.io.tmpdir": settings.folders.run / "tmp", **(properties or {})}
    return [
        str(java_home() / "bin" / "java"),
        *(f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in opens),
        "-Xmx256m", "-XX:+UseSerialGC",
        *(f"-D{name}={value}" for name, value in properties.items()),
        "-cp", classpath, main_class,
    ]


def java_environment(settings: Settings) -> dict[str, str]:
    """The user's own environment without what would change the JVM or Hadoop and Spark behind the bed's back."""
    foreign = ("HADOOP_", "SPARK_", "YARN_", "LIVY_", "PYSPARK_", "JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "AWS_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    return {**kept, "JAVA_HOME": str(java_home())}


def write_logging(folder: Path) -> None:
    """A log4j configuration that writes to standard error."""
    (folder / "log4j.properties").write_text(_LOG4J)


def _candidates() -> Iterator[Path]:
    """Where a JDK may be: one that is named for the bed is the only one."""
    if named := named_jdk():
        yield named
        return
    if home := os.environ.get("JAVA_HOME"):
        yield Path(home)
    if java := shutil.which("java"):
        # It is asked, since it may be a version manager's script.
        told = subprocess.run([java, "-XshowSettings:properties", "-version"], capture_output=True, text=True).stderr
        if found := re.search(r"java\.home = (.+)", told):
            yield Path(found[1])
    yield from (java.parents[1] for java in sorted(_INSTALLED.glob(f"*{_VERSION}*/bin/java")))


@functools.cache
def _defect(home: Path) -> str | None:
    """Why a folder is not the JDK that is wanted."""
    if not os.access(home / "bin" / "java", os.X_OK):
        return "has no java"
    if not os.access(home / "bin" / "javac", os.X_OK):
        return "has no compiler, it is only a run-time"
    banner = subprocess.run([home / "bin" / "java", "-version"], capture_output=True, text=True).stderr
    found = re.search(r'version "(\d+)', banner)
    version = int(found[1]) if found else 0
    return None if version == _VERSION else f"is version {version}"
