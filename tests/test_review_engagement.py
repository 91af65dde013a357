"""One account at the venue under two names here: neither takes the other's stops for orphans."""

import pytest

from tests.test_engagement import Scene, placed, played
from tradewinds.model.errors import ConfigError


def test_with_a_past_of_its_own_an_account_still_leaves_anothers_orders_alone() -> None:
    """Spot alone yesterday, spot and perpetuals today, spot alone again tomorrow."""

    async def play(scene: Scene) -> None:
        past = (await scene.begin()).engine.checkpoint()
        await placed(scene, "user-order")
        await placed(scene, "tw-0123456789-7")
        await scene.engagement.begin(past, {"0123456789"})
        await scene.engagement.begin(None, {"0123456789"})
        with pytest.raises(ConfigError, match="--take-over 0123456789"):
            await scene.engagement.begin(past, {"aaaaaaaaaa"})

    played(play)
