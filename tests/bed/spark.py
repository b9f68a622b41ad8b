"""Spark: small, on loopback only, with its own jars taken from where they lie."""

import shutil
from pathlib import Path

from bed.install import job_jar
from bed.settings import LOOPBACK, Settings

_JOBS = Path(__file__).parent / "jobs"


def write_configuration(settings: Settings) -> None:
    """Writes spark-defaults.conf and gathers the jobs in the one folder that Livy lets batches use."""
    folders = settings.folders
    python = folders.spark_venv / "bin" / "python"
    properties = {
        "spark.ui.enabled": "false",
        "spark.driver.memory": "512m",
        "spark.executor.memory": "512m",
        "spark.executor.instances": "1",
        "spark.executor.cores": "1",
        "spark.pyspark.python": python,
        "spark.sql.warehouse.dir": f"file://{folders.run}/warehouse",
        # Otherwise 345 MB of jars would travel with every batch.
        "spark.yarn.jars": f"local:{folders.spark_home}/jars/*",
        "spark.yarn.stagingDir": f"file://{folders.run}/staging",
        "spark.yarn.maxAppAttempts": "1",
        "spark.yarn.appMasterEnv.PYSPARK_PYTHON": python,
        # Without these Spark binds whatever interface the host's name stands for.
        "spark.yarn.appMasterEnv.SPARK_LOCAL_IP": LOOPBACK,
        "spark.executorEnv.SPARK_LOCAL_IP": LOOPBACK,
    }
    conf = configuration_folder(settings)
    for folder in (conf, folders.jobs, folders.run / "staging", folders.run / "warehouse"):
        folder.mkdir(parents=True, exist_ok=True)
    lines = (f"{key} {value}\n" for key, value in properties.items())
    (conf / "spark-defaults.conf").write_text("".join(lines))
    for job in _JOBS.glob("*.py"):
        shutil.copy(job, folders.jobs)
    shutil.copy(folders.spark_home / "examples" / "src" / "main" / "python" / "pi.py", folders.jobs)
    shutil.copy(job_jar(folders), folders.jobs)


def configuration_folder(settings: Settings) -> Path:
    """What SPARK_CONF_DIR must name."""
    return settings.folders.run / "spark-conf"
