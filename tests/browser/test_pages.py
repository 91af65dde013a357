"""The pages as an operator sees and uses them."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Opener, Served
from tradewinds.model.portfolio import TradingState

pytestmark = pytest.mark.browser

PATHS = ("/", "/live", "/analytics", "/controls")


def figure(page: Page, name: str) -> str:
    return page.locator(f".tile:has(.name:text-is('{name}')) .value").inner_text()


def test_a_wrong_password_is_told_and_the_right_one_opens(served: Served, chromium) -> None:  # type: ignore[no-untyped-def]
    page = chromium.new_page()
    page.goto(f"{served.address}/analytics")
    expect(page).to_have_url(re.compile("/login"))
    page.fill("#password", "not the password")
    page.click("button")
    expect(page.locator(".problem")).to_have_text("Wrong password.")
    page.fill("#password", served.password)
    page.click("button")
    expect(page).to_have_url(f"{served.address}/analytics")
    page.close()


def test_numbers_change_while_one_looks(open_page: Opener) -> None:
    page = open_page("/")
    first = page.locator(".clock .time").inner_text()
    bid = page.locator("[aria-label='Market prices'] tbody tr td:nth-child(2)").first.inner_text()
    expect(page.locator(".clock .time")).not_to_have_text(first)
    cell = page.locator("[aria-label='Market prices'] tbody tr td:nth-child(2)").first
    expect(cell).not_to_have_text(bid)


def test_every_page_says_paper_which_feed_and_which_state(open_page: Opener) -> None:
    page = open_page("/")
    for path in PATHS:
        page.click(f"nav a[href='{path}']")
        expect(page.locator(".badge.mode")).to_have_text("PAPER")
        expect(page.locator(".badge.synthetic")).to_have_text("SYNTHETIC seed 7")
        expect(page.locator(".strip .badge.active")).to_have_text("ACTIVE")
        expect(page.locator(".bar > .stop")).to_be_visible()
        expect(page.locator(f"nav a[href='{path}']")).to_have_attribute("aria-current", "page")


def test_the_overview_shows_positions_limit_and_equity(open_page: Opener) -> None:
    page = open_page("/")
    expect(page.locator("[aria-label='Open positions'] tbody tr")).to_have_count(3)
    expect(page.locator(".pairs")).to_contain_text("200.00")
    expect(page.locator("[aria-label='Strategies'] tbody tr")).to_have_count(2)
    assert re.fullmatch(r"1,0\d\d\.\d\d", figure(page, "Equity"))
    assert page.locator(".chart canvas").count() == 1


def test_the_live_page_filters_by_kind_and_text(served: Served, open_page: Opener) -> None:
    page = open_page("/live")
    served.bus.burst = [
        served.engine.line("fill", "buy 0.5 at 100.0", "needle-one"),
        served.engine.line("refusal", "refused by reserve", "needle-two"),
    ]
    rows = page.locator(".feed-row")
    expect(rows.filter(has_text="needle-one")).to_have_count(1)
    expect(rows.filter(has_text="needle-two")).to_have_count(1)
    page.click(".chip.kind-refusal")
    expect(rows.filter(has_text="needle-two")).to_have_count(0)
    expect(rows.filter(has_text="needle-one")).to_have_count(1)
    page.fill(".feed-bar .field", "NEEDLE")
    expect(rows).to_have_count(1)
    page.click(".chip.kind-refusal")
    expect(rows).to_have_count(2)


def test_pausing_holds_the_list_and_loses_nothing(served: Served, open_page: Opener) -> None:
    page = open_page("/live")
    page.fill(".feed-bar .field", "marker")
    page.click("text=Pause")
    served.bus.burst = [served.engine.line("fill", f"marker {n}", "") for n in range(20)]
    expect(page.locator("text=/Resume \\(\\d{2,} new\\)/")).to_be_visible()
    expect(page.locator(".feed-row")).to_have_count(0)
    page.click("text=/Resume/")
    expect(page.locator(".feed-row")).to_have_count(20)


def test_a_flood_of_lines_stays_usable(served: Served, open_page: Opener) -> None:
    page = open_page("/live")
    for number in range(5):
        served.bus.burst = [
            served.engine.line("order", f"flood {number}", f"line {n}") for n in range(400)
        ]
        expect(page.locator(f".feed-row:has-text('flood {number}')").first).to_be_visible()
    assert page.locator(".feed-row").count() <= 400
    frame_ms = page.evaluate(
        """() => new Promise(done =>
            requestAnimationFrame(a => requestAnimationFrame(b => done(b - a))))"""
    )
    assert frame_ms < 250


def test_the_emergency_stop_asks_once_and_shows_what_happened(
    served: Served, open_page: Opener
) -> None:
    page = open_page("/live")
    page.click(".bar > .stop")
    expect(page.locator("dialog[open]")).to_contain_text("Cancels 6 working orders")
    page.keyboard.press("Escape")
    expect(page.locator("dialog[open]")).to_have_count(0)
    assert served.engine.received == []
    page.click(".bar > .stop")
    page.click("dialog[open] .stop")
    expect(page.locator("dialog .answer.good")).to_contain_text("Verified flat in 84 ms")
    page.get_by_role("button", name="Close", exact=True).click()
    expect(page.locator(".strip .badge.halted")).to_have_text("HALTED")
    expect(page.locator(".strip .why")).to_have_text("emergency stop")
    assert [verb for verb, _ in served.engine.received] == ["emergency"]


@pytest.mark.parametrize("gone", [True, False])
def test_a_stop_that_is_not_verified_says_so_loudly(
    served: Served, open_page: Opener, gone: bool
) -> None:
    page = open_page("/")
    served.engine.emergency_works = False
    served.bus.gone = gone
    page.click(".bar > .stop")
    page.click("dialog[open] .stop")
    expect(page.locator("dialog .answer.bad")).to_contain_text("NOT verified flat")
    expect(page.locator("dialog .answer.bad")).to_contain_text("trading-cli emergency")


def test_an_engine_that_is_gone_is_announced_and_welcomed_back(
    served: Served, open_page: Opener
) -> None:
    page = open_page("/")
    served.bus.gone = True
    expect(page.locator(".banner")).to_contain_text("Engine not answering since")
    expect(page.locator(".link-state")).to_contain_text("lost")
    served.bus.gone = False
    expect(page.locator(".link-state")).to_have_text("live")
    expect(page.locator(".banner")).to_be_hidden()


def test_pause_resume_and_switching_reach_the_engine(served: Served, open_page: Opener) -> None:
    page = open_page("/controls")
    page.click("text=Pause trading")
    expect(page.locator(".strip .badge.reducing")).to_have_text("REDUCING")
    page.click("text=Resume trading")
    expect(page.locator(".strip .badge.active")).to_have_text("ACTIVE")
    page.locator(".switch-row", has_text="triangular").get_by_text("Switch off").click()
    row = page.locator(".switch-row", has_text="triangular")
    expect(row.locator(".badge")).to_have_text("OFF")
    assert served.engine.enabled == {"momentum": True, "triangular": False}


def test_after_a_while_resuming_asks_for_the_password(served: Served, open_page: Opener) -> None:
    page = open_page("/controls")
    served.engine.state = TradingState.REDUCING
    expect(page.locator("text=Resume trading")).to_be_visible()
    for session in served.room.sessions._sessions.values():
        session.trading_until_s = 0.0
    page.click("text=Resume trading")
    page.fill("dialog[open] input[type=password]", served.password)
    page.click("dialog[open] >> text=Confirm >> nth=-1")
    expect(page.locator(".notice")).to_have_text("Password confirmed.")
    assert served.engine.received == []
    page.click("text=Resume trading")
    expect(page.locator(".strip .badge.active")).to_have_text("ACTIVE")


def test_logout_in_one_window_ends_the_other(served: Served, open_page: Opener) -> None:
    page = open_page("/live")
    other = page.context.new_page()
    other.goto(f"{served.address}/controls")
    other.click("text=Log out")
    expect(other).to_have_url(re.compile("/login"))
    expect(page).to_have_url(re.compile("/login"))


def test_analytics_show_figures_days_and_pages_of_trades(open_page: Opener) -> None:
    page = open_page("/analytics")
    expect(page.locator("[aria-label='Closed trades'] tbody tr")).to_have_count(25)
    expect(page.locator(".tile .value").first).not_to_have_text("\u2013")
    assert page.locator(".chart canvas").count() == 3
    newest = page.locator("[aria-label='Closed trades'] tbody tr").first.inner_text()
    page.click("text=Older")
    expect(page.locator("text=/26.50 of/")).to_be_visible()
    page.click("text=Newer")
    expect(page.locator("[aria-label='Closed trades'] tbody tr").first).to_have_text(
        re.compile(re.escape(newest.split("\t")[0]))
    )


def test_analytics_of_two_days_say_what_they_need(served: Served, open_page: Opener) -> None:
    days, served.history.days = served.history.days, 2
    trades, served.history._trades = served.history._trades, served.history._trades[:3]
    try:
        page = open_page("/analytics")
        expect(page.locator(".tiles")).to_contain_text("needs 20 days")
        expect(page.locator(".tiles")).to_contain_text("needs 20 closed trades, has 3")
    finally:
        served.history.days, served.history._trades = days, trades


def test_a_locked_history_is_said_and_the_page_lives(served: Served, open_page: Opener) -> None:
    served.history.broken = True
    page = open_page("/analytics")
    expect(page.locator(".notice")).to_contain_text("database is locked")
    served.history.broken = False
    expect(page.locator(".notice")).to_be_hidden()


@pytest.mark.parametrize("path", PATHS)
def test_no_page_scrolls_sideways_at_any_width(open_page: Opener, path: str) -> None:
    page = open_page(path)
    for width in (1440, 1024, 768, 390, 320):
        page.set_viewport_size({"width": width, "height": 844})
        page.wait_for_timeout(200)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        stop = page.locator(".bar > .stop").bounding_box()
        assert stop is not None
        assert stop["x"] >= 0
        assert stop["x"] + stop["width"] <= width
