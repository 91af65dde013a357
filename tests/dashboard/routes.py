"""Every route that the application answers to, found in the application itself."""

from fastapi.routing import APIRoute

from tests.dashboard.conftest import Desk


def api_routes(desk: Desk) -> list[APIRoute]:
    found: list[APIRoute] = []
    pending = list(desk.app.routes)
    while pending:
        route = pending.pop()
        if isinstance(route, APIRoute):
            found.append(route)
        else:
            inner = getattr(route, "original_router", None) or getattr(route, "app", None)
            pending += getattr(inner, "routes", []) if inner is not desk.app else []
    return found


def filled(path: str) -> str:
    return path.replace("{strategy_id}", "momentum")
