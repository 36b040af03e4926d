"""What was read, what of it could be tied and recognised, and what can therefore be said."""
