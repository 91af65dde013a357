"""Our code to the venues: their words to our events, our commands to their words.

In: bytes and replies from a venue; orders to send.
Out: MarketEvents, Instruments, venue reports.
Never: a decision; a blind resend; an exception of a venue library beyond this package.
"""
