"""Livy: the real server, quick enough for tests."""

import urllib.request
from pathlib import Path

from bed import spark, yarn
from bed.install import jars
from bed.jvm import java_command, java_environment, write_logging
from bed.process import Process
from bed.settings import LOOPBACK, Settings

# What Livy 0.7 and its libraries look into, and Java 17 closes.
_OPENS = ("java.lang", "java.lang.invoke", "java.nio", "java.net", "java.io", "sun.nio.ch", "java.util.concurrent.atomic")


def write_configuration(settings: Settings) -> None:
    """Writes livy.conf as the options say."""
    folders, options = settings.folders, settings.options
    conf = _configuration_folder(settings)
    conf.mkdir(parents=True, exist_ok=True)
    properties = {
        "livy.spark.master": "yarn",
        "livy.spark.deploy-mode": "cluster",
        "livy.server.host": LOOPBACK,
        "livy.server.port": settings.ports["livy"],
        "livy.ui.enabled": "false",
        "livy.file.local-dir-whitelist": folders.jobs,
        "livy.server.session.state-retain.sec": options.retain,
        "livy.server.csrf-protection.enabled": str(options.csrf).lower(),
        "livy.server.yarn.poll-interval": options.poll_interval,
    }
    if options.recovery:
        properties |= {
            "livy.server.recovery.mode": "recovery",
            "livy.server.recovery.state-store": "filesystem",
            "livy.server.recovery.state-store.url": f"file://{folders.run}/livy-state",
        }
    lines = [*(f"{key} = {value}" for key, value in properties.items()), *options.livy_conf]
    (conf / "livy.conf").write_text("\n".join(lines) + "\n")
    write_logging(conf)


def start(settings: Settings, process: Process) -> None:
    """Starts it and waits until it answers."""
    folders, conf = settings.folders, _configuration_folder(settings)
    spark_conf, hadoop_conf = spark.configuration_folder(settings), yarn.configuration_folder(settings)
    environment = java_environment(settings) | {
        "LIVY_HOME": str(folders.run),
        "LIVY_CONF_DIR": str(conf),
        "LIVY_LOG_DIR": str(folders.logs),
        "SPARK_HOME": str(folders.spark_home),
        "SPARK_CONF_DIR": str(spark_conf),
        "HADOOP_CONF_DIR": str(hadoop_conf),
        "PYSPARK_PYTHON": str(folders.spark_venv / "bin" / "python"),
        "SPARK_LOCAL_IP": LOOPBACK,
    }
    classpath = f"{jars(folders, 'livy')}/*:{conf}:{spark_conf}:{hadoop_conf}"
    process.start(java_command(settings, classpath, "org.apache.livy.server.LivyServer", _OPENS), environment)
    process.wait_until(lambda: _answers(settings), 120)


def _configuration_folder(settings: Settings) -> Path:
    return settings.folders.run / "livy-conf"


def _answers(settings: Settings) -> bool:
    try:
        with urllib.request.urlopen(f"{settings.url('livy')}/version", timeout=2) as answer:
            return answer.status == 200
    except OSError:
        return False
