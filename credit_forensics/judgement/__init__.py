"""Judges who paid: persons, families, the model, verdicts and their explanations."""
