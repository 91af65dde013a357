"""A settings file with every key, its range and its meaning, all at their defaults."""

import textwrap

from tradewinds.cli.settings_guide import Setting, settings_table
from tradewinds.config import PREFIX, Settings

HEADER = f"""\
# Settings of Tradewinds. Every key is here with its default, commented out: take the # away to
# change one. A variable {PREFIX}SECTION__KEY goes before this file.
# `trading-cli config check` names every mistake, `config show` what differs and where it is from.
# No key or password belongs here.
"""


def commented_toml() -> str:
    """The text of a new config.toml: valid TOML that changes nothing."""
    parts = [HEADER]
    section = ""
    for setting in settings_table(Settings(), {}):
        here, _, name = setting.key.rpartition(".")
        if here != section:
            section = here
            parts.append(f"\n[{section}]\n")
        parts.append(entry(setting, name))
    return "".join(parts)


def entry(setting: Setting, name: str) -> str:
    """Meaning and range as comments, then the default as a commented line."""
    told = textwrap.wrap(f"{setting.meaning} Allowed: {setting.allowed}.", 97)
    return "".join(f"# {line}\n" for line in told) + f"#{name} = {setting.default}\n\n"
