"""The flow itself: one event in, commands out, and the edge that drives it.

In: events, settings, strategies.
Out: commands, snapshots for the pages.
Never: I/O, clocks or randomness inside `step`; a mode asked for by name.
"""
