"""Where the data folder is."""

import os
from collections.abc import Mapping
from pathlib import Path


def home_of(option: str, environ: Mapping[str, str] = os.environ) -> Path:
    """`--home`, else what `tradewinds.config.data_dir` says: repeated here because that module
    loads pydantic, which `status` cannot afford; a test keeps the two together."""
    return Path(option or environ.get("TRADEWINDS_HOME") or "user_data").expanduser().absolute()
