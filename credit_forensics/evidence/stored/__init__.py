"""Evidence that is stored beside the case, and refreshed by what is new."""
