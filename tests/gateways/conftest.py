import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

RECORDED = Path(__file__).resolve().parents[2].parent / "shared" / "data"


@pytest.fixture
def recorded() -> Path:
    """Real market data of ../shared/data, which is not part of the repository."""
    if not RECORDED.is_dir():
        message = "needs the recorded market data in ../shared/data"
        assert os.environ.get("CI") != "true", message
        pytest.skip(message)
    return RECORDED
