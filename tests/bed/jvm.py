"""How the bed's Java processes are started: small, and with the doors of Java 17 that they need open."""

import os
from collections.abc import Iterable
from pathlib import Path


from bed.progress import BedError
from bed.settings import Settings, java_home

_LOG4J = """\
log4j.rootCategory=INFO, console
log4j.appender.console=org.apache.log4j.ConsoleAppender
log4j.appender.console.target=System.err
log4j.appender.console.layout=org.apache.log4j.PatternLayout
log4j.appender.console.layout.ConversionPattern=%d{yyyy-MM-dd HH:mm:ss.SSS} %p %c{1}: %m%n
log4j.logger.org.eclipse.jetty=WARN
"""


def java_command(
    settings: Settings, classpath: str, main_class: str, opens: Iterable[str], properties: dict[str, object] | None = None
) -> list[str]:
    """The command line of a JVM with little memory."""
    home = java_home()
    if home is None:
        raise BedError("there is no JDK 17: set JAVA_HOME")
    properties = {"java.io.tmpdir": settings.folders.run / "tmp", **(properties or {})}
    return [
        str(home / "bin" / "java"),
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
