"""Lists what the package is made of, as CycloneDX 1.6: from the metadata of what is installed.

``python .ci/list_parts.py [EXTRA …] > parts.cdx.json``. No index is asked: the list is of what
runs here. The same installation gives the same bytes.
"""

from __future__ import annotations

import json
import re
import sys
import uuid
from collections.abc import Iterable
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from typing import Any

from packaging.requirements import Requirement

ROOT = "credit-forensics"


def parts_document(root: str = ROOT, extras: Iterable[str] = ()) -> dict[str, Any]:
    """The list of a package and of all that it needs, in the form of CycloneDX 1.6."""
    needs = dependency_graph(root, frozenset(extras))
    components = {name: component(distribution(name)) for name in sorted(needs)}
    main = components.pop(canonical(root))
    refs = [main["bom-ref"], *(one["bom-ref"] for one in components.values())]
    ref = {name: one["bom-ref"] for name, one in components.items()} | {
        canonical(root): main["bom-ref"]
    }
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, ' '.join(refs))}",
        "version": 1,
        "metadata": {"component": main | {"type": "application"}},
        "components": list(components.values()),
        "dependencies": [
            {"ref": ref[name], "dependsOn": [ref[other] for other in sorted(needs[name])]}
            for name in sorted(needs)
        ],
    }


def dependency_graph(root: str, extras: frozenset[str]) -> dict[str, set[str]]:
    """What each package needs of the others, by canonical name; optional ones only as asked.

    Raises
    ------
    PackageNotFoundError
        when something that is needed is not installed: a list with a hole would be none.
    """
    found: dict[str, set[str]] = {}
    done: dict[str, frozenset[str]] = {}
    waiting = [(canonical(root), extras)]
    while waiting:
        name, wanted = waiting.pop()
        if wanted <= done.get(name, frozenset()) and name in found:
            continue
        done[name] = done.get(name, frozenset()) | wanted
        needs = found.setdefault(name, set())
        for text in distribution(name).requires or ():
            needed = Requirement(text)
            marker = needed.marker
            contexts = [{"extra": extra} for extra in ("", *sorted(done[name]))]
            if marker is not None and not any(marker.evaluate(one) for one in contexts):
                continue
            other = canonical(needed.name)
            if other != name:
                needs.add(other)
            waiting.append((other, frozenset(needed.extras)))
    return found


def component(package: Distribution) -> dict[str, Any]:
    """A package as a component: name, version, its package URL, and its licence as it states it."""
    name, version = canonical(package.metadata["Name"]), package.version
    purl = f"pkg:pypi/{name}@{version}"
    made: dict[str, Any] = {
        "type": "library",
        "bom-ref": purl,
        "name": name,
        "version": version,
        "purl": purl,
    }
    licence = package.metadata.get("License-Expression")
    if licence:
        made["licenses"] = [{"expression": licence}]
    else:
        classified = [
            one.rpartition(" :: ")[2]
            for one in package.metadata.get_all("Classifier") or ()
            if one.startswith("License :: ")
        ]
        if classified:
            made["licenses"] = [{"license": {"name": one}} for one in sorted(classified)]
    return made


def canonical(name: str) -> str:
    """A name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    try:
        document = parts_document(extras=sys.argv[1:])
    except PackageNotFoundError as error:
        sys.exit(f"{error.name} is needed and not installed.")
    json.dump(document, sys.stdout, indent=1, ensure_ascii=False)
    sys.stdout.write("\n")
