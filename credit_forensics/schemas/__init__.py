"""JSON Schemas of what commands print with ``--json``, one a kind of document."""
