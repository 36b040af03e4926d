"""Loads the Stripe files that a case names, whatever each of them turns out to be."""

from __future__ import annotations

from pathlib import Path

from credit_forensics.case_file import CaseFile
from credit_forensics.errors import CaseError
from credit_forensics.evidence.custody import READ_AS
from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.files.archives import archive_problem
from credit_forensics.evidence.files.identify_input import Identified, identify
from credit_forensics.evidence.files.input_paths import STRIPE_KEYS, input_name, input_paths
from credit_forensics.evidence.stripe.csv_export import load_stripe_csv
from credit_forensics.evidence.stripe.flat_json import is_flat_json, load_flat_json
from credit_forensics.evidence.stripe.json_export import load_stripe_json
from credit_forensics.evidence.stripe.parquet_export import load_stripe_parquet
from credit_forensics.progress import Progress


def load_stripe_files(
    evidence: Evidence, case_file: CaseFile, progress: Progress | None = None
) -> None:
    """Load every file of ``[stripe]`` into the staging tables.

    What a file holds decides how it is read, not the key that names it: a file given as
    ``sessions`` that holds events is read as events, with a note. Each file is read once, also
    when two keys name it. Of a folder under ``files``, what is no export of Stripe's is passed
    over, with a note.

    Parameters
    ----------
    evidence
        whose staging tables take the rows, whose custody takes hashes, rejects and notes.
    case_file
        whose section ``stripe`` names the files.
    progress
        called with an input's name, bytes done and bytes in all.

    Raises
    ------
    CaseError
        when a file is missing or cannot be read, or a pattern matches nothing; names the key.
    """
    seen: set[Path] = set()
    for key in STRIPE_KEYS:
        names = getattr(case_file.stripe, key)
        for path in input_paths(case_file.folder, names, f"stripe.{key}"):
            if (real := path.resolve()) in seen:
                continue
            seen.add(real)
            name = input_name(case_file.folder, path)
            try:
                load_stripe_file(evidence, path, name, key, progress=progress)
            except OSError as error:
                reason = error.strerror or error
                raise CaseError(f"stripe.{key}: {name} cannot be read: {reason}.") from None


def load_stripe_file(
    evidence: Evidence,
    path: Path,
    name: str,
    key: str = "files",
    *,
    progress: Progress | None = None,
    origin: str | None = None,
    found: Identified | None = None,
) -> None:
    """Load one file into the staging tables.

    Parameters
    ----------
    name
        what custody calls it.
    key
        the key that named it; ``files`` expects nothing in particular.
    origin
        the column ``source`` of the rows, where it is not the kind's own name.
    found
        what the file is, where that is known: a part of one does not tell it.

    Raises
    ------
    OSError
        when the file cannot be read.
    """
    found = found or identify(path)
    if key != "files" and found.what == "unknown":
        # It was meant to be read, so it is, and every line that is none is told.
        found = Identified(f"stripe {key}", "lines", found.compression)
    source = evidence.custody.add(name, found.what, path)
    if (
        key != "files"
        and found.is_stripe
        and found.what
        not in (
            f"stripe {key}",
            "stripe csv",
            "parquet",
        )
    ):
        source.notes.append(f"given as {key}, holds {found.what}, {READ_AS}")
    if found.what == "stripe csv":
        load_stripe_csv(evidence, path, source)
    elif found.what == "parquet":
        load_stripe_parquet(evidence, path, source)
    elif found.is_stripe and is_flat_json(path, found):
        load_flat_json(evidence, path, source, found)
    elif found.is_stripe:
        load_stripe_json(evidence, path, source, found, origin=origin, progress=progress)
    elif found.what == "empty":
        source.notes.append("the file is empty")
    elif key == "files" and (problem := archive_problem(path)):
        evidence.custody.reject(source, 0, problem)
    elif key == "files":
        source.notes.append("not a Stripe export; passed over")
    else:
        evidence.custody.reject(source, 0, f"not a Stripe export; it looks like a {found.what}")
