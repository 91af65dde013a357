"""The pages, one file each: overview, live, analytics, controls.

In: the room of the request, found through the shell.
Out: NiceGUI elements, refreshed by one timer per page.
Never: state of their own beyond one open page; text from outside as markup.
"""
