"""A practice venue: real protocols of real venues, on this machine, with money that does not exist.

In: the clients' requests over TLS, quotes and trades of any market, scripted faults
Out: answers, streams and errors as the venues send them, and the truth for whoever tests
Never: leaves this machine, holds a real key, or decides anything for the product
"""
