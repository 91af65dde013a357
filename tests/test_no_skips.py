"""In CI a skipped test is a failed one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

TOOLS = Path(__file__).parent.parent / "tools"
SKIPS = {
    "a mark": "import pytest\n@pytest.mark.skip(reason='no server')\ndef test_a(): pass",
    "a call": "import pytest\ndef test_a(): pytest.skip('no server')",
    "a fixture": (
        "import pytest\n@pytest.fixture\ndef server(): pytest.skip('no server')\n"
        "def test_a(server): pass"
    ),
    "a module": "import pytest\npytest.skip('no server', allow_module_level=True)",
}


def run_pytest(folder: Path, text: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_planted.py").write_text(text)
    command = [sys.executable, "-m", "pytest", "-p", "no_skips", "-p", "no:cacheprovider", "."]
    return subprocess.run(
        command,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(TOOLS)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("text", SKIPS.values(), ids=SKIPS.keys())
def test_a_skip_fails_and_says_why(tmp_path: Path, text: str) -> None:
    done = run_pytest(tmp_path, text)
    assert done.returncode != 0
    assert "no server" in done.stdout


def test_passing_and_expected_failures_still_pass(tmp_path: Path) -> None:
    text = "import pytest\ndef test_a(): pass\n@pytest.mark.xfail\ndef test_b(): assert False"
    assert run_pytest(tmp_path, text).returncode == 0
