"""Scorecard row F11: names, reasons and symbols from outside stay text, and the policy holds."""

import pytest
from msgspec import structs
from playwright.sync_api import Page, expect

from tests.browser.conftest import Opener, Served
from tests.dashboard.fakes import at
from tradewinds.model.ids import InstrumentId, StrategyId

pytestmark = pytest.mark.browser

XSS = (
    '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>'
    "</script>${window.hacked=1}{{window.hacked=1}}`'\"\u202e\U0001f4a9"
)


def unharmed(page: Page) -> bool:
    return page.evaluate("window.hacked === undefined && !document.querySelector('img[src=x]')")


def poison(served: Served) -> None:
    engine, clean = served.engine, served.engine.snapshot
    engine.feed_label = XSS
    engine.reason = XSS

    def poisoned():  # type: ignore[no-untyped-def]
        snapshot = clean()
        return structs.replace(
            snapshot,
            positions=tuple(
                structs.replace(row, instrument_id=at(XSS), strategy_id=StrategyId(XSS))
                for row in snapshot.positions
            ),
            strategies=tuple(
                structs.replace(row, strategy_id=StrategyId(f"{XSS}{number}"))
                for number, row in enumerate(snapshot.strategies)
            ),
            prices=tuple(
                structs.replace(row, instrument_id=InstrumentId(f"{number}{XSS}"))
                for number, row in enumerate(snapshot.prices)
            ),
        )

    engine.snapshot = poisoned  # type: ignore[method-assign]


@pytest.mark.parametrize("path", ["/", "/live", "/analytics", "/controls"])
def test_f11_hostile_text_is_shown_as_text(served: Served, open_page: Opener, path: str) -> None:
    poison(served)
    served.bus.burst = [served.engine.line("fill", XSS, XSS, symbol=XSS)]
    page = open_page(path)
    expect(page.locator(".strip .why")).to_contain_text("<img src=x")
    page.wait_for_timeout(500)
    assert unharmed(page)
    page.reload()
    expect(page.locator(".strip .why")).to_contain_text("<img src=x")
    assert unharmed(page)


def test_f11_the_policy_blocks_what_would_get_through(open_page: Opener) -> None:
    page = open_page("/")
    blocked = page.evaluate(
        """() => new Promise(done => {
            const seen = [];
            document.addEventListener('securitypolicyviolation', e => {
                seen.push(e.effectiveDirective);
                if (seen.length >= 3) done(seen);
            });
            const script = document.createElement('script');
            script.textContent = 'window.hacked = 1';
            document.body.append(script);
            const image = document.createElement('img');
            image.src = 'http://127.0.0.1:9/pixel';
            document.body.append(image);
            // In a timer, because what a debugger evaluates itself may evaluate.
            setTimeout(() => {
                try { new Function('window.hacked = 1')(); } catch { seen.push('eval'); }
            });
            setTimeout(() => done(seen), 1500);
        })"""
    )
    assert unharmed(page)
    assert any(directive.startswith("script-src") for directive in blocked)
    assert "img-src" in blocked
    assert "eval" in blocked
    assert len(open_page.problems) >= 2
    open_page.problems.clear()
