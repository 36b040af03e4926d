"""Prints a report to PDF by headless Chromium, where there is one."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from credit_forensics.errors import CaseError

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_SECONDS = 180


def find_chromium() -> str | None:
    """The Chromium on the path, or ``None``."""
    return next((found for name in _NAMES if (found := shutil.which(name))), None)


def print_pdf(html: Path) -> Path:
    """Print a page beside itself and give the PDF's path.

    The page needs no network, and the browser is given none.

    Raises
    ------
    CaseError
        when there is no Chromium, or it prints nothing.
    """
    chromium = find_chromium()
    if chromium is None:
        raise CaseError(
            "A PDF needs Chromium on the path (on Debian: apt-get install chromium); "
            "or print the HTML page from any browser."
        )
    pdf = html.with_suffix(".pdf")
    with tempfile.TemporaryDirectory(prefix="credit_forensics_") as profile:
        command = [
            chromium,
            "--headless",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--host-resolver-rules=MAP * ~NOTFOUND",
            f"--user-data-dir={profile}",
            "--no-pdf-header-footer",
            f"--print-to-pdf={pdf.resolve()}",
            html.resolve().as_uri(),
        ]
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            # Chromium refuses its sandbox to root; the page's own policy forbids foreign scripts.
            command.insert(1, "--no-sandbox")
        try:
            run = subprocess.run(command, capture_output=True, timeout=_SECONDS, check=False)
        except subprocess.TimeoutExpired:
            raise CaseError(f"Chromium did not print {html} within {_SECONDS} s.") from None
    if run.returncode != 0 or not pdf.is_file() or pdf.stat().st_size == 0:
        raise CaseError(f"Chromium could not print {html} (exit status {run.returncode}).")
    pdf.chmod(0o600)
    return pdf
