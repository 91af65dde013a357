"""What the supervisor tells its children, and how the passphrase gets to one of them."""

import sys
from pathlib import Path

from tradewinds import supervisor
from tradewinds.config import load
from tradewinds.options import PRACTICE, RunOptions
from tradewinds.supervisor import Beside, arguments_of
from tradewinds.vault.secret import Secret

PASSPHRASE = "correct horse battery staple"
LIVE_KEY = "binance-spot:main"


def test_the_children_are_told_the_mode_and_a_practice_venue_comes_first(tmp_path: Path) -> None:
    options = RunOptions(home=tmp_path, mode=PRACTICE, no_dashboard=True)
    assert "--practice" in arguments_of(options)
    children = supervisor.children_of(load(), options, Beside(venue_port=9_000))
    assert [child.name for child in children] == [supervisor.VENUE, "engine"]
    assert "--at" in arguments_of(RunOptions(home=tmp_path, mode=PRACTICE, at="coinbase"))
    live = RunOptions(home=tmp_path, mode="live", key=LIVE_KEY, cleared_ns=7)
    words = arguments_of(live)
    assert words[words.index("--live") + 1] == LIVE_KEY
    assert words[words.index("--cleared-ns") + 1] == "7"


def test_a_child_is_handed_the_passphrase_at_each_start_and_shows_it_nowhere(
    tmp_path: Path,
) -> None:
    program = (
        "import os, pathlib, sys\n"
        "from tradewinds.vault.passphrase import taken\n"
        "number = int(sys.argv[1].removeprefix('--passphrase-pipe='))\n"
        "secret = taken(number).reveal()\n"
        "shown = pathlib.Path('/proc/self/cmdline').read_text() + str(dict(os.environ))\n"
        "print(secret == 'correct horse' + ' battery staple', secret in shown, flush=True)\n"
    )
    command = [sys.executable, "-c", program]
    child = supervisor.Child("engine", command, tmp_path / "said", Secret(PASSPHRASE))
    for _ in range(2):
        child.start()
        child.stop()
    assert (tmp_path / "said").read_text("utf-8") == "True False\nTrue False\n"
