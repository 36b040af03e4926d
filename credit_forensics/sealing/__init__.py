"""Seals a folder of outputs, so that what changed in it afterwards is named."""
