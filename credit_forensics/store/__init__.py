"""What was read and computed, stored beside the case: files, keys, locks; one for every command."""
