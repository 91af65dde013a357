"""Durable truth: the hash-chained journal and the tables that are read from it.

In: events and commands in the order they happened, checkpoints, a database URL.
Out: replayable entries, an audit of the chain, rows for pages and reports, a lease per account.
Never: a decision, a half-written batch, or a password in a message.
"""
