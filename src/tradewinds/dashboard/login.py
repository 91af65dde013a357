"""Log in, log out, change the password: plain HTML forms, so that nothing runs before a login."""

import asyncio
import logging
from html import escape
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.datastructures import FormData

from tradewinds.dashboard.access import cookie
from tradewinds.dashboard.auth import change_password, verify_password
from tradewinds.dashboard.room import Room, room_of, session_of
from tradewinds.dashboard.sessions import Session

log = logging.getLogger(__name__)
router = APIRouter(include_in_schema=False)

FORM_TYPE = "application/x-www-form-urlencoded"
LANDING_PAGES = frozenset({"/", "/live", "/analytics", "/controls"})

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="dark"><title>{title}: log in</title>
<link rel="icon" href="/static/icon.svg"><link rel="stylesheet" href="/static/login.css"></head>
<body><main><h1>{title}</h1><p class="lead">Trading on your own machine.</p>
<form method="post" action="/login">
<input type="hidden" name="next" value="{next}">
<input type="text" name="username" value="operator" autocomplete="username" hidden>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password"
 maxlength="256" required autofocus>
<p class="problem" role="alert">{problem}</p>
<button type="submit">Log in</button></form>
<p class="hint">The first start printed the password on the console, once. Lost it? Reset it
there.</p>
<p class="hint">Educational and personal use. No financial advice; trading can lose money.</p>
</main></body></html>
"""


async def form_of(request: Request) -> FormData:
    """The fields of an HTML form. Anything else is not one of our pages."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != FORM_TYPE:
        raise HTTPException(415, "send an HTML form")
    return await request.form(max_files=0, max_fields=8)


async def own_form(request: Request) -> FormData:
    """A form of a logged-in page: it carries the session's token."""
    form = await form_of(request)
    if form.get("csrf") != session_of(request.scope).csrf:
        raise HTTPException(403, "this form is stale: reload the page")
    return form


Form = Annotated[FormData, Depends(form_of)]
OwnForm = Annotated[FormData, Depends(own_form)]


@router.get("/login")
async def login_page(request: Request, next: str = "/") -> Response:  # noqa: A002 - the field's name
    """The form; whoever is logged in already goes on."""
    room = room_of(request.scope)
    if room.sessions.find(cookie(request.scope, room.settings.cookie_name)):
        return RedirectResponse(_landing(next), 303)
    return _page(room, next, "", 200)


@router.post("/login")
async def login(request: Request, form: Form) -> Response:
    """A new session for the right password, a slower and slower no for the wrong one."""
    room, source = room_of(request.scope), _source(request)
    target = _landing(str(form.get("next", "/")))
    problem = await try_password(room, source, str(form.get("password", "")))
    if problem is not None:
        status = 429 if "wait" in problem else 401
        return _page(room, target, problem, status)
    # Whatever cookie came along is dropped, so that nobody can plant a session beforehand.
    old = room.sessions.find(cookie(request.scope, room.settings.cookie_name))
    if old is not None:
        room.sessions.revoke(old)
    secret, _ = room.sessions.create()
    log.info("login_succeeded", extra={"source": source})
    answer = RedirectResponse(target, 303)
    answer.set_cookie(
        room.settings.cookie_name,
        secret,
        max_age=int(room.settings.timings.absolute_s),
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return answer


@router.post("/logout")
async def logout(request: Request, form: OwnForm) -> Response:
    """End the session; its open pages are cut off."""
    room = room_of(request.scope)
    room.sessions.revoke(session_of(request.scope))
    log.info("logout", extra={"source": _source(request)})
    answer = RedirectResponse("/login", 303)
    answer.delete_cookie(room.settings.cookie_name, httponly=True, samesite="strict")
    return answer


@router.post("/confirm")
async def confirm(request: Request, form: OwnForm) -> Response:
    """The password again, for what raises risk."""
    room, session = room_of(request.scope), session_of(request.scope)
    problem = await try_password(room, _source(request), str(form.get("password", "")))
    if problem is None:
        room.sessions.grant_trading(session)
    return _back(session, problem or "Password confirmed.")


@router.post("/password")
async def password(request: Request, form: OwnForm) -> Response:
    """A new password; every other session ends."""
    room, session = room_of(request.scope), session_of(request.scope)
    old, new = str(form.get("old", "")), str(form.get("new", ""))
    problem = await try_password(room, _source(request), old)
    if problem is None:
        path = room.settings.password_path
        problem = await asyncio.to_thread(change_password, path, old, new)
    if problem is None:
        room.sessions.revoke_others(session)
        log.info("password_changed", extra={"source": _source(request)})
    return _back(session, problem or "Password changed. Other sessions were logged out.")


async def try_password(room: Room, source: str, password: str) -> str | None:
    """None when right, else what to tell. While throttled the password is not even looked at."""
    wait_s = room.throttle.wait_s(source)
    if wait_s > 0:
        return f"Too many wrong passwords: wait {int(wait_s) + 1} s and try again."
    # Counted before it is checked, so that parallel guesses cannot slip through together.
    room.throttle.failed(source)
    if not await asyncio.to_thread(verify_password, room.settings.password_path, password):
        log.warning("login_failed", extra={"source": source})
        return "Wrong password."
    room.throttle.succeeded(source)
    return None


def _back(session: Session, notice: str) -> Response:
    session.notice = notice
    return RedirectResponse("/controls", 303)


def _page(room: Room, next_page: str, problem: str, status: int) -> Response:
    text = PAGE.format(
        title=escape(room.settings.title),
        next=escape(_landing(next_page)),
        problem=escape(problem),
    )
    return HTMLResponse(text, status)


def _landing(path: str) -> str:
    return path if path in LANDING_PAGES else "/"


def _source(request: Request) -> str:
    return request.client.host if request.client else "unknown"
