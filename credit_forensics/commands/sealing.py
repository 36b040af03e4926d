"""``seal`` and ``verify``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from credit_forensics.commands.json_output import JsonOption, print_json
from credit_forensics.commands.options import FOUND
from credit_forensics.extras import Later

if TYPE_CHECKING:
    from credit_forensics.sealing import keys
    from credit_forensics.sealing import seal as sealing
    from credit_forensics.sealing import verify as verifying
else:
    keys = Later("credit_forensics.sealing.keys")
    sealing = Later("credit_forensics.sealing.seal")
    verifying = Later("credit_forensics.sealing.verify")


def seal(
    out: Annotated[Path, typer.Argument(help="The folder that analyze, report or repair wrote.")],
    key: Annotated[
        Path | None, typer.Option(help="The private key (PEM); your own, made when first needed.")
    ] = None,
    timestamp_url: Annotated[
        str,
        typer.Option(help="A time-stamping server (RFC 3161) to ask for a token; none without."),
    ] = "",
    json_: JsonOption = False,
) -> None:
    """Sign the list of a folder's files, so that whatever changes in it afterwards is named.

    Example: credit-forensics seal out
    """
    opened, made = keys.open_key(key)
    done = sealing.seal(out, opened, timestamp_url=timestamp_url)
    if json_:
        facts = {"files": done.files, "fingerprint": done.fingerprint}
        print_json("seal", {"folder": str(out), **facts, "key": str(opened.path), "key_made": made})
        return
    if made:
        typer.echo(f"A key was made: {opened.path}. Keep it, and let nobody read it.")
    typer.echo(
        f"{done.files} files of {out} are sealed by key {done.fingerprint}. Tell that to whoever "
        "is to check it, by another way than the folder goes."
    )


def verify(
    out: Annotated[Path, typer.Argument(help="A sealed folder.")],
    key: Annotated[
        Path | None, typer.Option(help="The public key (PEM) that is to have sealed it.")
    ] = None,
    json_: JsonOption = False,
) -> None:
    """Check a seal offline: name what was changed, added or removed. Exit status 1 if anything was.

    Example: credit-forensics verify out --key auditor.pub.pem
    """
    found = verifying.verify(out, key)
    if json_:
        print_json("verify", {"folder": str(out), "holds": found.holds, **asdict(found)})
    else:
        typer.echo(str(found))
    if not found.holds:
        raise typer.Exit(FOUND)
