"""One line that says how far pip is: redrawn on a terminal, a plain line now and then elsewhere."""

import re
import time
from pathlib import Path
from typing import TextIO

DOWNLOAD = re.compile(r"^ +(?:Downloading|Using cached) .*\(([\d.]+) ([kM])B\)")
ERASE = "\r\033[K"


class Progress:
    """Reads pip's lines; counts packages and megabytes."""

    def __init__(self, out: TextIO, building: Path) -> None:
        self.out = out
        self.building = building
        self.is_terminal = out.isatty()
        self.began = self.drawn = time.monotonic()
        self.fetched = 0
        self.total = 0
        self.megabytes = 0.0

    def read(self, line: str) -> None:
        if line.startswith("Collecting "):
            self.fetched += 1
        elif line.startswith("Installing collected packages:"):
            self.total = line.count(",") + 1
        elif size := DOWNLOAD.match(line):
            self.megabytes += float(size[1]) * (1 if size[2] == "M" else 0.001)

    def text(self) -> str:
        figures = f"{self.fetched} packages fetched"
        if self.total:
            figures = f"{self.installed()} of {self.total} packages in place"
        seconds = time.monotonic() - self.began
        return f"  installing: {figures} ({self.megabytes:.0f} MB), {seconds:.0f} s"

    def installed(self) -> int:
        found = self.building.glob("lib/python3.*/site-packages/*.dist-info")
        return min(sum(1 for _ in found), self.total)

    def show(self) -> None:
        if time.monotonic() - self.drawn < (0.2 if self.is_terminal else 10):
            return
        self.drawn = time.monotonic()
        self.out.write(ERASE + self.text() if self.is_terminal else self.text() + "\n")
        self.out.flush()

    def close(self) -> None:
        self.out.write((ERASE if self.is_terminal else "") + self.text() + "\n")
        self.out.flush()
