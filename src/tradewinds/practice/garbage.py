"""Frames that no venue should send and every venue has sent."""

from tradewinds.practice.faults import Garble

TRUNCATED = Garble(frame=b'{"e":"executionReport","E":17')
TRAILING = Garble(frame=b'{"e":"ping"}}garbage')
NOT_A_NUMBER = Garble(frame=b'{"e":"bookTicker","s":"BTCUSDT","b":NaN,"a":Infinity}')
A_LIST = Garble(frame=b"[1,2,3]")
A_NULL = Garble(frame=b"null")
A_STRING = Garble(frame=b'"hello"')
EMPTY = Garble(frame=b"")
BAD_UTF8 = Garble(frame=b'{"e":"\xff\xfe"}', binary=True)
DEEP = Garble(frame=b"[" * 200 + b"]" * 200)
ALL = (TRUNCATED, TRAILING, NOT_A_NUMBER, A_LIST, A_NULL, A_STRING, BAD_UTF8, DEEP)
