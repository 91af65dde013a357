"""How the schema came to be, one step per revision.

In: a connection in a write transaction.
Out: the tables of the last revision.
Never: a look at the tables module, which may already be newer than a step.
"""
