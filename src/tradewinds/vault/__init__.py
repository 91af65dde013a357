"""The operator's API keys, encrypted at rest.

In: a passphrase, keys typed or piped by their owner, the data folder.
Out: one key at a time to whoever may trade with it, masked everywhere else.
Never: a secret in an argument, an environment, a log, a traceback, a repr or plain on disk.
"""
