"""Fetches jars with all that they depend on from Maven Central."""

import dataclasses
import os
from pathlib import Path
from xml.sax.saxutils import escape

from bed.jvm import java_home
from bed.pins import HADOOP_VERSION, LIVY_VERSION, MAVEN_DEPENDENCY_PLUGIN
from bed.process import run_logged


@dataclasses.dataclass(frozen=True)
class Artifact:
    """A jar on Maven Central."""

    group: str
    name: str
    version: str
    alone: bool = False  # Without its own dependencies.

    def xml(self) -> str:
        """The `dependency` element of a POM."""
        nothing_else = "<exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion></exclusions>"
        return (
            f"<dependency><groupId>{escape(self.group)}</groupId><artifactId>{escape(self.name)}</artifactId>"
            f"<version>{escape(self.version)}</version>{nothing_else if self.alone else ''}</dependency>"
        )


LIVY = (Artifact("org.apache.livy", "livy-server", LIVY_VERSION),)
YARN = (
    Artifact("org.apache.hadoop", "hadoop-yarn-server-resourcemanager", HADOOP_VERSION),
    Artifact("org.apache.hadoop", "hadoop-yarn-server-nodemanager", HADOOP_VERSION),
    Artifact("org.apache.hadoop", "hadoop-common", HADOOP_VERSION),
    # The ResourceManager does not start without its classes, but needs nothing that they depend on.
    Artifact("org.apache.hadoop", "hadoop-yarn-server-timelineservice", HADOOP_VERSION, alone=True),
)

_POM = """\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>sparkwright</groupId><artifactId>bed</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    {dependencies}
  </dependencies>
</project>
"""


def copy_jars(artifacts: tuple[Artifact, ...], folder: Path) -> None:
    """Puts the artifacts and their run-time dependencies into `folder/jars`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pom.xml").write_text(_POM.format(dependencies="\n    ".join(item.xml() for item in artifacts)))
    run_logged(
        ["mvn", "-q", "-B", "--strict-checksums", f"{MAVEN_DEPENDENCY_PLUGIN}:copy-dependencies",
         "-DincludeScope=runtime", f"-DoutputDirectory={folder / 'jars'}"],
        folder / "maven.log", cwd=folder, environment=os.environ | {"JAVA_HOME": str(java_home())},
    )
