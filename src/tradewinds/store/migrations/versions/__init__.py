"""The steps, oldest first.

In: the schema of the step before.
Out: the schema of this step.
Never: an edit after release; a mistake is put right by the next step.
"""
