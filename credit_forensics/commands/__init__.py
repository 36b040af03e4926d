"""The commands, a file a group; ``cli`` lists them. No logic of their own."""
