"""Web pages and REST API for the operator, in a process of their own.

In: snapshots and activity from the bus, history from the store, clicks of one logged-in person.
Out: pages on localhost, JSON under /api/v1, operator verbs on the bus.
Never: an order, a risk limit, a key, or a byte loaded from the network.
"""
