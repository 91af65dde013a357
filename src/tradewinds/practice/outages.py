"""Answers of a venue in trouble, word for word, ready for a fault plan."""

from tradewinds.practice.faults import Reply

HTML = "text/html"
UNKNOWN = Reply(
    status=503,
    body=b'{"code":-1000,"msg":"Unknown error, please check your request or try again later."}',
)
"""USD-M: nobody knows whether it took effect."""
UNAVAILABLE = Reply(status=503, body=b'{"code":-1001,"msg":"Service Unavailable."}')
"""USD-M: it did not."""
INTERNAL = Reply(
    status=503,
    body=(
        b'{"code":-1001,"msg":"Internal error; unable to process your request. Please try again."}'
    ),
)
"""USD-M: it did not."""
OVERLOADED = Reply(
    status=503,
    body=(
        b'{"code":-1008,"msg":"Server is currently overloaded with other requests. '
        b'Please try again in a few minutes."}'
    ),
)
"""It did not; reduce-only, closing and cancelling requests are exempt at the real venue."""
DISCONNECTED = Reply(
    status=503,
    body=b'{"code":-1006,"msg":"An unexpected response was received from the message bus. '
    b'Execution status unknown."}',
)
BAD_GATEWAY = Reply(
    status=502, body=b"<html><title>502 Bad Gateway</title></html>", content_type=HTML
)
GATEWAY_TIMEOUT = Reply(
    status=504, body=b"<html><title>504 Gateway Time-out</title></html>", content_type=HTML
)
BLOCKED = Reply(status=403, body=b"<html><title>403 Forbidden</title></html>", content_type=HTML)
RESTRICTED = Reply(
    status=451,
    body=b'{"code":0,"msg":"Service unavailable from a restricted location."}',
)
ALL = (
    UNKNOWN,
    UNAVAILABLE,
    INTERNAL,
    OVERLOADED,
    DISCONNECTED,
    BAD_GATEWAY,
    GATEWAY_TIMEOUT,
    BLOCKED,
    RESTRICTED,
)


def timeout(*, executed: bool = False) -> Reply:
    """-1007: the backend did not answer in time, whether it did anything or not."""
    body = (
        b'{"code":-1007,"msg":"Timeout waiting for response from backend server. '
        b'Send status unknown; execution status unknown."}'
    )
    return Reply(status=504, body=body, execute=executed)


def too_many_requests(retry_after_s: int) -> Reply:
    """429."""
    return Reply(
        status=429,
        body=b'{"code":-1003,"msg":"Too many requests; please use the websocket."}',
        headers=(("Retry-After", str(retry_after_s)),),
    )


def banned(retry_after_s: int) -> Reply:
    """418."""
    return Reply(
        status=418,
        body=b'{"code":-1003,"msg":"Way too many requests; IP banned."}',
        headers=(("Retry-After", str(retry_after_s)),),
    )
