"""What was added to logs since a moment."""

from pathlib import Path


class Since:
    """Reads those logs of a folder whose names match from where they now end."""

    def __init__(self, folder: Path, pattern: str) -> None:
        self._folder, self._pattern = folder, pattern
        self._begin = {log: log.stat().st_size for log in folder.glob(pattern)}

    def text(self) -> str:
        """Everything that came after, also in new logs; without colours."""
        return "".join(self._rest(log) for log in sorted(self._folder.glob(self._pattern)))

    def _rest(self, log: Path) -> str:
        with open(log, "rb") as file:
            file.seek(self._begin.get(log, 0))
            return file.read().decode(errors="replace")
