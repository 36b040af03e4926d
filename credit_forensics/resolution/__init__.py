"""Every way of telling who paid, side by side: one method a file."""
