"""The small parts of a notebook's HTML: a progress bar, the head of a table, a style."""

from credit_forensics.html_templates import Macros

ELEMENTS = Macros("notebook/elements.html.j2")
