"""What may be shown: the mask of personal data and the list of columns."""
