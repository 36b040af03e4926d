"""Writes what pip chose for this machine, with the SHA-256 of each file, from pip's own report.

``python .ci/hash_requirements.py report.json > constraints-hashes.txt``; the report is that of
``pip install --dry-run --ignore-installed --report``. The file holds for machines of this platform
and Python; another has other files, and installs by ``constraints.txt`` as ever.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any


def hashed_lines(report: dict[str, Any]) -> str:
    """A line a package, sorted by name; packages that are no file of an index are left out.

    Raises
    ------
    ValueError
        when the report names a file without its SHA-256.
    """
    lines = []
    for one in report["install"]:
        archive = one["download_info"].get("archive_info")
        if archive is None:
            # The package itself, from its folder.
            continue
        digest = archive.get("hashes", {}).get("sha256", "")
        name = re.sub(r"[-_.]+", "-", one["metadata"]["name"]).lower()
        if not re.fullmatch(r"[0-9a-f]{64}", digest):
            raise ValueError(f"{name} has no SHA-256 in pip's report")
        lines.append(f"{name}=={one['metadata']['version']} --hash=sha256:{digest}\n")
    return "".join(sorted(lines))


if __name__ == "__main__":
    sys.stdout.write(hashed_lines(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))))
