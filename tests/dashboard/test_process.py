"""The dashboard as a process: its port, and what it drags into others."""

import os
import subprocess
import sys

import pytest

from tradewinds.dashboard.port import listen
from tradewinds.model.errors import ConfigError


def test_a_port_in_use_is_named_with_its_holder_and_the_way_out() -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError) as caught:
            listen("127.0.0.1", port)
    message = str(caught.value)
    assert str(port) in message
    assert "--port" in message
    if sys.platform == "linux":
        assert f"(pid {os.getpid()})" in message


def test_a_foreign_address_is_explained() -> None:
    with pytest.raises(ConfigError, match="not an address of this machine"):
        listen("203.0.113.7", 0)


@pytest.mark.parametrize("module", ["auth", "settings", "history", "port"])
def test_other_processes_do_not_load_the_web_by_asking_for_a_password(module: str) -> None:
    code = (
        f"import sys, tradewinds.dashboard.{module}\n"
        "heavy = {'nicegui', 'fastapi', 'starlette', 'uvicorn'} & set(sys.modules)\n"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_api_alone_does_not_load_the_user_interface() -> None:
    code = "import sys, tradewinds.dashboard.app; sys.exit('nicegui' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
