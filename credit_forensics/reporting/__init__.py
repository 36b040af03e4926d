"""Reports: run a notebook, mask, render, name, keep and schedule."""

# Set in the kernel of a report's run: no person looks at its cells.
REPORT_VARIABLE = "CREDIT_FORENSICS_REPORT"
