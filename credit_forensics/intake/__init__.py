"""The live side, mended: checkout guard, user validation, webhook handler, review queue.

Needs the extra ``[intake]`` and PostgreSQL; ``create_app`` and ``serve`` start here.
"""
