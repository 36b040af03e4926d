"""A case for programs: read-only tools over the Model Context Protocol."""
