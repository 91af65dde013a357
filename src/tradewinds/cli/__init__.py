"""The command line: one file per group of verbs.

In: argv, the environment, the engine's bus, the store, files of market data.
Out: one answer on stdout (text, or one JSON object with --json) and a documented exit code.
Never: a decision, an order, a traceback for something the operator can fix.
"""

from tradewinds.cli.entry import main

__all__ = ["main"]
