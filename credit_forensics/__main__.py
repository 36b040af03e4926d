"""``python -m credit_forensics``: the command, where its script is not on the path."""

from credit_forensics.cli import main

if __name__ == "__main__":
    main()
