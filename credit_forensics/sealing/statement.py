"""States in JSON-LD what was sealed and what it was made from, in the words of CASE, UCO and PROV.

An export for systems that read these vocabularies. It was not checked against their shapes, and
claims no conformity.
"""

from __future__ import annotations

import json
import uuid
from datetime import datetime
from pathlib import Path
from typing import Any

from credit_forensics import __version__
from credit_forensics.sealing.listed_files import small_file

STATEMENT = "statement.jsonld"
_MANIFEST = "manifest.json"
_LARGEST_MANIFEST = 64 << 20
_CONTEXT = {
    "kb": "urn:uuid:",
    "case-investigation": "https://ontology.caseontology.org/case/investigation/",
    "uco-action": "https://ontology.unifiedcyberontology.org/uco/action/",
    "uco-core": "https://ontology.unifiedcyberontology.org/uco/core/",
    "uco-observable": "https://ontology.unifiedcyberontology.org/uco/observable/",
    "uco-tool": "https://ontology.unifiedcyberontology.org/uco/tool/",
    "uco-types": "https://ontology.unifiedcyberontology.org/uco/types/",
    "prov": "http://www.w3.org/ns/prov#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}


def statement_bytes(
    folder: Path, files: dict[str, tuple[str, int]], *, sealed_at: datetime, fingerprint: str
) -> bytes:
    """The statement, the same for the same files, time and key.

    Parameters
    ----------
    folder
        where ``manifest.json`` names what the analysis read, if it is there.
    files
        the sealed files: SHA-256 in hex and size, by name.
    fingerprint
        of the key that seals.
    """
    tool = _id("tool", __version__)
    outputs = [_file(name, digest, size) for name, (digest, size) in sorted(files.items())]
    inputs = [
        _file(source["name"], source["sha256"], source["size"])
        for source in _inputs(folder)
        if source.get("sha256")
    ]
    analysis, seal = (
        _id("analysis", *sorted(f[0] for f in files.values())),
        _id("seal", fingerprint, sealed_at.isoformat()),
    )
    graph: list[dict[str, Any]] = [
        {
            "@id": tool,
            "@type": ["uco-tool:Tool", "prov:SoftwareAgent"],
            "uco-core:name": "credit-forensics",
            "uco-tool:version": __version__,
        },
        *inputs,
        *outputs,
        _action(analysis, "analysis", tool, inputs, outputs),
        _action(seal, f"seal by Ed25519 key {fingerprint}", tool, outputs, [])
        | {
            "uco-action:endTime": _time(sealed_at),
            "prov:endedAtTime": _time(sealed_at),
        },
        {
            "@id": _id("record", fingerprint, sealed_at.isoformat()),
            "@type": "case-investigation:ProvenanceRecord",
            "uco-core:description": "Files that were sealed together; no claim of conformity.",
            "uco-core:object": [{"@id": one["@id"]} for one in outputs],
        },
    ]
    document = {"@context": _CONTEXT, "@graph": graph}
    return (json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def _action(
    id_: str, name: str, tool: str, used: list[dict[str, Any]], made: list[dict[str, Any]]
) -> dict[str, Any]:
    return {
        "@id": id_,
        "@type": ["case-investigation:InvestigativeAction", "prov:Activity"],
        "uco-core:name": name,
        "uco-action:instrument": {"@id": tool},
        "prov:wasAssociatedWith": {"@id": tool},
        "uco-action:object": [{"@id": one["@id"]} for one in used],
        "prov:used": [{"@id": one["@id"]} for one in used],
        "uco-action:result": [{"@id": one["@id"]} for one in made],
        "prov:generated": [{"@id": one["@id"]} for one in made],
    }


def _file(name: str, digest: str, size: int) -> dict[str, Any]:
    id_ = _id("file", name, digest)
    return {
        "@id": id_,
        "@type": ["uco-observable:File", "prov:Entity"],
        "uco-core:hasFacet": [
            {
                "@id": _id("facet", id_, "file"),
                "@type": "uco-observable:FileFacet",
                "uco-observable:fileName": name,
                "uco-observable:sizeInBytes": {"@type": "xsd:integer", "@value": str(size)},
            },
            {
                "@id": _id("facet", id_, "content"),
                "@type": "uco-observable:ContentDataFacet",
                "uco-observable:hash": {
                    "@id": _id("hash", id_),
                    "@type": "uco-types:Hash",
                    "uco-types:hashMethod": "SHA256",
                    "uco-types:hashValue": {"@type": "xsd:hexBinary", "@value": digest},
                },
            },
        ],
    }


def _inputs(folder: Path) -> list[dict[str, Any]]:
    text = small_file(folder, _MANIFEST, _LARGEST_MANIFEST)
    try:
        manifest = json.loads(text or b"{}")
    except ValueError:
        return []
    found = manifest.get("inputs", []) if isinstance(manifest, dict) else []
    wanted = {"name": str, "sha256": str, "size": int}
    return [
        one
        for one in found
        if isinstance(one, dict) and all(isinstance(one.get(k), t) for k, t in wanted.items())
    ]


def _id(*parts: str) -> str:
    return "kb:" + str(uuid.uuid5(uuid.NAMESPACE_URL, "\n".join(("credit-forensics", *parts))))


def _time(at: datetime) -> dict[str, str]:
    return {"@type": "xsd:dateTime", "@value": at.isoformat(timespec="seconds")}
