"""The bed as a whole: its parts in the order in which they start."""

import dataclasses
import shutil
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from bed import livy, localstack, prerequisites, spark, yarn
from bed.install import install
from bed.process import Process, marked, resident_bytes, sweep
from bed.progress import BedError, say, step
from bed.settings import Folders, Options, Settings, named_ports


@dataclasses.dataclass(frozen=True)
class Part:
    """A process of the bed, and how long it is given to end by itself."""

    name: str
    title: str
    start: Callable[[Settings, Process], None]
    patience: float = 20


RESOURCE_MANAGER = Part("resource-manager", "YARN's ResourceManager", yarn.start_resource_manager)
# One that ran an application takes 19 s to end on TERM, and its containers outlive it: they are swept by mark.
NODE_MANAGER = Part("node-manager", "YARN's NodeManager", yarn.start_node_manager, patience=2)
LIVY = Part("livy", "Livy", livy.start)
LOCALSTACK = Part("localstack", "LocalStack", localstack.start, patience=5)
PARTS = {part.name: part for part in (RESOURCE_MANAGER, NODE_MANAGER, LIVY, LOCALSTACK)}


class Bed:
    """One bed, up or not; everything about it that lasts is in its run directory."""

    def __init__(self, folders: Folders) -> None:
        self.folders = folders

    @property
    def settings(self) -> Settings:
        """The settings of the bed that is up."""
        return Settings.load(self.folders)

    def install(self) -> None:
        """Checks the prerequisites and the environment, and fetches what is missing."""
        prerequisites.require(prerequisites.missing_for_bed())
        named_ports()
        install(self.folders)

    def up(self, options: Options) -> Settings:
        """Installs, starts every part and waits until each is ready; on any trouble nothing stays behind."""
        self.install()
        if running := self._running():
            raise BedError(f"already up ({', '.join(running)}) in {self.folders.run}: `make bed-down` first")
        sweep(self.folders.run)
        self._empty_run_folder()
        self.folders.logs.mkdir(parents=True)
        settings = Settings.choose(self.folders, options)
        settings.save()
        for part in (spark, yarn, livy):
            part.write_configuration(settings)
        with step("starting YARN, Livy and LocalStack"), ThreadPoolExecutor(1) as pool:
            aside = pool.submit(LOCALSTACK.start, settings, self._process(LOCALSTACK))
            try:
                for part in (RESOURCE_MANAGER, NODE_MANAGER, LIVY):
                    part.start(settings, self._process(part))
                aside.result()
            except BaseException:
                self.down()  # Which also ends the wait aside.
                raise
        say(f"up: Livy {settings.url('livy')}, ResourceManager {settings.url('resource_manager')}, "
            f"AWS {settings.url('localstack')}; logs in {self.folders.logs}")
        return settings

    def is_up(self) -> bool:
        """Whether every part runs."""
        return len(self._running()) == len(PARTS)

    def down(self) -> None:
        """Stops every process that this bed started, and only those. Interrupting it has no effect."""
        if not marked(self.folders.run):
            return
        plain = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
        try:
            with step("stopping every part of the bed"), ThreadPoolExecutor(len(PARTS)) as pool:
                list(pool.map(lambda part: self._process(part).stop(part.patience), PARTS.values()))
            if swept := sweep(self.folders.run):
                say(f"{swept} of their children went on and were ended too")
        finally:
            for number, handler in plain.items():
                signal.signal(number, handler)

    def start(self, name: str) -> None:
        """Starts one part again, with the configuration and the port that it had."""
        part = _part(name)
        if self._process(part).pid():
            raise BedError(f"{name} already runs")
        part.start(self.settings, self._process(part))

    def stop(self, name: str) -> None:
        """Stops one part in an orderly way."""
        part = _part(name)
        self._process(part).stop(part.patience)

    def kill(self, name: str) -> None:
        """Kills one part, as a crash would."""
        self._process(_part(name)).kill()

    def status(self) -> list[str]:
        """One line for each part."""
        lines = []
        for part in PARTS.values():
            process = self._process(part)
            pid = process.pid()
            state = f"runs, process {pid}, {resident_bytes(pid) // 1024 // 1024} MB" if pid else "does not run"
            lines.append(f"{part.name:17} {state}; log {process.log}")
        lines.append(f"{len(marked(self.folders.run))} processes of this bed in all")
        return lines

    def _running(self) -> list[str]:
        return [name for name, part in PARTS.items() if self._process(part).pid()]

    def _empty_run_folder(self) -> None:
        run = self.folders.run
        if run.exists() and any(run.iterdir()) and not (run / "bed.json").exists():
            raise BedError(f"{run} is not a bed's run directory and not empty: nothing is removed there")
        shutil.rmtree(run, ignore_errors=True)

    def _process(self, part: Part) -> Process:
        return Process(part.name, self.folders.run)


def _part(name: str) -> Part:
    if name not in PARTS:
        raise BedError(f"`{name}` is not a part of the bed: {', '.join(PARTS)}")
    return PARTS[name]
