"""Reports: run a notebook, mask, render, name, keep and schedule."""
