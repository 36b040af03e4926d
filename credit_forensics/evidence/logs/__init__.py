"""The webhook handler's log, in any format."""
