"""Begins a case: looks at what lies in a folder and writes the case file that fits it."""
