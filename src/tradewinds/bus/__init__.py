"""Small messages between our processes: what the pages show, what the operator asks.

In: topics and bytes to publish, verbs and bytes to ask.
Out: messages to whoever listens now, replies or BusUnavailable.
Never: anything authoritative, or a wait that could hold up the engine.
"""
