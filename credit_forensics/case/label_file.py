"""The name of the file of labels that people give, beside the case."""

from __future__ import annotations

LABEL_FILE = "labels.csv"
