"""What only a notebook needs: a case that shows itself, tables that sort, a payment picker.

Importing it lets IPython display our objects as HTML or Markdown, and sets nothing else up;
``open_case`` does, and only in a notebook that a person looks at.
"""

from credit_forensics.notebook import displays as displays
from credit_forensics.notebook.opening import open_case
from credit_forensics.notebook.picker import choose_payment, choose_user
from credit_forensics.notebook.progress import notebook_progress
from credit_forensics.notebook.show import show

__all__ = ["choose_payment", "choose_user", "notebook_progress", "open_case", "show"]
