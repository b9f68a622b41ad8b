"""YARN: one ResourceManager and one NodeManager with room for three small applications at once."""

from pathlib import Path
from xml.sax.saxutils import escape

from bed.cluster import Cluster
from bed.install import jars
from bed.jvm import java_command, java_environment, write_logging
from bed.process import Process
from bed.settings import LOOPBACK, MARK, Settings

_PACKAGE = "org.apache.hadoop.yarn.server"


def write_configuration(settings: Settings) -> None:
    """Writes core-site, yarn-site and capacity-scheduler."""
    run, ports = settings.folders.run, settings.ports
    conf = configuration_folder(settings)
    for folder in (conf, run / "nm-local", run / "nm-logs", run / "hadoop-tmp", run / "tmp"):
        folder.mkdir(parents=True, exist_ok=True)
    _write(conf / "core-site.xml", {"fs.defaultFS": "file:///", "hadoop.tmp.dir": run / "hadoop-tmp"})
    _write(conf / "yarn-site.xml", {
        "yarn.resourcemanager.hostname": LOOPBACK,
        "yarn.resourcemanager.bind-host": LOOPBACK,
        "yarn.resourcemanager.scheduler.address": f"{LOOPBACK}:{ports['rm_scheduler']}",
        "yarn.resourcemanager.resource-tracker.address": f"{LOOPBACK}:{ports['rm_tracker']}",
        "yarn.resourcemanager.address": f"{LOOPBACK}:{ports['rm_client']}",
        "yarn.resourcemanager.admin.address": f"{LOOPBACK}:{ports['rm_admin']}",
        "yarn.resourcemanager.webapp.address": f"{LOOPBACK}:{ports['resource_manager']}",
        "yarn.resourcemanager.am.max-attempts": 2,
        # So that the node soon finds a ResourceManager that was away (30 s otherwise).
        "yarn.resourcemanager.connect.retry-interval.ms": 1000,
        "yarn.resourcemanager.nodemanagers.heartbeat-interval-ms": 200,
        "yarn.nodemanager.hostname": LOOPBACK,
        "yarn.nodemanager.bind-host": LOOPBACK,
        "yarn.nodemanager.localizer.address": f"{LOOPBACK}:{ports['nm_localizer']}",
        "yarn.nodemanager.address": f"{LOOPBACK}:{ports['nm_address']}",
        "yarn.nodemanager.webapp.address": f"{LOOPBACK}:{ports['nm_web']}",
        "yarn.nodemanager.collector-service.address": f"{LOOPBACK}:{ports['nm_collector']}",
        "yarn.nodemanager.local-dirs": run / "nm-local",
        "yarn.nodemanager.log-dirs": run / "nm-logs",
        "yarn.nodemanager.resource.memory-mb": 6144,
        "yarn.nodemanager.resource.cpu-vcores": 8,
        "yarn.scheduler.minimum-allocation-mb": 128,
        "yarn.scheduler.maximum-allocation-mb": 4096,
        "yarn.nodemanager.vmem-check-enabled": "false",
        "yarn.nodemanager.pmem-check-enabled": "false",
        # A developer's disk is often fuller than the 90 % at which a node calls itself unhealthy.
        "yarn.nodemanager.disk-health-checker.max-disk-utilization-per-disk-percentage": 99.5,
        "yarn.nodemanager.sleep-delay-before-sigkill.ms": 250,
        # Containers outlive their node: by this they are found and ended.
        "yarn.nodemanager.admin-env": f"{MARK}={run}",
    })
    _write(conf / "capacity-scheduler.xml", {
        "yarn.scheduler.capacity.maximum-applications": 1000,
        # Near 1, drivers alone could fill the cluster and all would wait for executors for ever.
        "yarn.scheduler.capacity.maximum-am-resource-percent": 0.5,
        "yarn.scheduler.capacity.root.queues": "default",
        "yarn.scheduler.capacity.root.default.capacity": 100,
    })
    write_logging(conf)


def configuration_folder(settings: Settings) -> Path:
    """What HADOOP_CONF_DIR must name."""
    return settings.folders.run / "hadoop-conf"


def start_resource_manager(settings: Settings, process: Process) -> None:
    """Starts it and waits until it answers."""
    _start(settings, process, f"{_PACKAGE}.resourcemanager.ResourceManager")
    process.wait_until(lambda: _nodes(settings) is not None, 120)


def start_node_manager(settings: Settings, process: Process) -> None:
    """Starts it and waits until the ResourceManager counts it."""
    _start(settings, process, f"{_PACKAGE}.nodemanager.NodeManager")
    process.wait_until(lambda: _nodes(settings) == 1, 120)


def _start(settings: Settings, process: Process, main_class: str) -> None:
    folders = settings.folders
    classpath = f"{configuration_folder(settings)}:{jars(folders, 'yarn')}/*"
    # Hadoop 3.3 looks into java.lang, which Java 17 closes.
    command = java_command(settings, classpath, main_class, opens=("java.lang",), properties={"hadoop.log.dir": folders.logs})
    process.start(command, java_environment(settings))


def _nodes(settings: Settings) -> int | None:
    return Cluster(settings.url("resource_manager")).active_nodes()


def _write(path: Path, properties: dict[str, object]) -> None:
    lines = (
        f"  <property><name>{name}</name><value>{escape(str(value))}</value></property>\n"
        for name, value in properties.items()
    )
    path.write_text(f"<configuration>\n{''.join(lines)}</configuration>\n")
