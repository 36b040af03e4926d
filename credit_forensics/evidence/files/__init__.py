"""Files of any kind: archives, CSV, JSON lines and documents, and what each was taken for."""
