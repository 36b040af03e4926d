"""A sealed folder names what was changed, added or removed, whoever prepared the folder."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from forked import PROCESSES
from typer.testing import CliRunner

from credit_forensics.cli import app
from credit_forensics.errors import CaseError
from credit_forensics.sealing import seal as sealing
from credit_forensics.sealing.keys import fingerprint, open_key, public_pem
from credit_forensics.sealing.listed_files import KEY, LIST, SIGNATURE
from credit_forensics.sealing.seal import seal
from credit_forensics.sealing.verify import verify

AT = datetime(2025, 9, 1, 12, tzinfo=UTC)


@pytest.fixture
def key(tmp_path: Path):
    return open_key(tmp_path / "keys" / "seal.pem")[0]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A folder as an analysis writes it, with a report in a folder of its own."""
    folder = tmp_path / "out"
    (folder / "reports" / "1").mkdir(parents=True)
    (folder / "findings.csv").write_text("finding,payment_id\nwrong_user,cs_1\n")
    (folder / "reports" / "1" / "report.html").write_text("<p>Zoë</p>")
    source = {"name": "sessions.jsonl", "sha256": "ab" * 32, "size": 12, "rows": 1}
    (folder / "manifest.json").write_text(json.dumps({"inputs": [source]}))
    return folder


def test_a_sealed_folder_is_what_it_was_and_sha256sum_says_so_too(out, key):
    done = seal(out, key, now=AT)
    assert done.files == 4
    found = verify(out)
    assert found.holds
    assert not found.trusted
    assert "The seal holds: 4 files" in str(found)
    assert "proven only by comparing" in str(found)
    checked = subprocess.run(["sha256sum", "--check", "--strict", LIST], cwd=out, check=False)
    assert checked.returncode == 0
    # The same files, time and key give the same bytes.
    before = {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()}
    seal(out, key, now=AT)
    assert before == {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()}


def test_whatever_happens_to_it_is_named(out, key, tmp_path):
    seal(out, key)
    (out / "findings.csv").write_text("finding,payment_id\n")
    (out / "reports" / "1" / "report.html").unlink()
    (out / "reports" / "2.html").write_text("new")
    (out / ".hidden").write_text("new")
    (out / "manifest.jsonl").symlink_to("/etc/passwd")
    found = verify(out)
    assert not found.holds
    assert found.signed
    assert found.changed == ("findings.csv",)
    assert found.removed == ("reports/1/report.html",)
    assert found.added == (".hidden", "manifest.jsonl", "reports/2.html")
    assert "changed: findings.csv\nremoved: reports/1/report.html\nadded: .hidden" in str(found)


def test_a_file_put_behind_a_link_is_changed_though_its_bytes_are_the_same(out, key, tmp_path):
    seal(out, key)
    (out / "findings.csv").rename(tmp_path / "elsewhere.csv")
    (out / "findings.csv").symlink_to(tmp_path / "elsewhere.csv")
    (out / "reports").rename(tmp_path / "elsewhere")
    (out / "reports").symlink_to(tmp_path / "elsewhere")
    found = verify(out)
    assert found.changed == ("findings.csv",)
    assert found.removed == ("reports/1/report.html",)
    assert found.added == ("reports",)


def test_a_list_made_anew_by_somebody_else_is_not_signed_by_the_key(out, key, tmp_path):
    seal(out, key)
    public = tmp_path / "public.pem"
    public.write_bytes(public_pem(key.public))
    other, _ = open_key(tmp_path / "other.pem")
    (out / "findings.csv").write_text("finding,payment_id\n")
    (out / LIST).unlink()
    seal(out, other)
    # By the key in the folder all is well, which is why that is said.
    assert verify(out).holds
    found = verify(out, public)
    assert not found.holds
    assert not found.signed
    assert found.trusted
    assert "not by this key, or the list was changed" in str(found)


@pytest.mark.parametrize("size", [0, 1, 63, 65])
def test_a_truncated_signature_is_none(out, key, size):
    seal(out, key)
    (out / SIGNATURE).write_bytes(((out / SIGNATURE).read_bytes() + b"\0")[:size])
    assert not verify(out).signed


@pytest.mark.parametrize("cut", [1, 40, 66, 70])
def test_a_truncated_list_is_refused_or_not_signed(out, key, cut):
    seal(out, key)
    text = (out / LIST).read_bytes()
    (out / LIST).write_bytes(text[:-cut])
    with pytest.raises(CaseError, match="breaks off in line"):
        verify(out)
    lines = text.splitlines(keepends=True)
    (out / LIST).write_bytes(b"".join(lines[:-1]))
    found = verify(out)
    assert not found.signed
    assert found.added == ("statement.jsonld",)


@pytest.mark.parametrize(
    "name",
    [
        *("../keys/seal.pem", "/etc/passwd", "reports/../../x", "a\\b", "C:x", "./findings.csv"),
        *(LIST, SIGNATURE, "reports//1/report.html", "\u202egpj.exe"),
    ],
)
def test_a_list_that_names_a_place_outside_is_no_list(out, key, name):
    seal(out, key)
    with (out / LIST).open("a") as file:
        file.write(f"{'0' * 64}  {name}\n")
    with pytest.raises(CaseError, match=r"line 5, names what is no file of this folder's own"):
        verify(out)


def test_names_twice_other_bytes_and_no_list_are_refused(out, key):
    with pytest.raises(CaseError, match="never listed"):
        verify(out)
    seal(out, key)
    text = (out / LIST).read_bytes()
    for wrong, why in (
        (text + text.splitlines(keepends=True)[0], "for the second time"),
        (b"\xff\xfe\n", "not UTF-8"),
        (b"no hash  findings.csv\n", "line 1, is no hash and name"),
    ):
        (out / LIST).write_bytes(wrong)
        with pytest.raises(CaseError, match=why):
            verify(out)
    (out / LIST).write_bytes(text)
    (out / KEY).write_text("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n")
    with pytest.raises(CaseError, match="no Ed25519 public key"):
        verify(out)
    (out / SIGNATURE).unlink()
    with pytest.raises(CaseError, match="it was not sealed, or sealing it was broken off"):
        verify(out)


def test_links_pipes_and_names_that_cannot_be_listed_are_not_sealed(out, key, tmp_path):
    (out / "link").symlink_to("/etc/passwd")
    with pytest.raises(CaseError, match="link is a link or no plain file"):
        seal(out, key)
    (out / "link").unlink()
    # Opening a pipe would wait for ever.
    os.mkfifo(out / "pipe")
    with pytest.raises(CaseError, match="pipe is a link or no plain file"):
        seal(out, key)
    (out / "pipe").unlink()
    (out / "two\nlines").write_text("")
    with pytest.raises(CaseError, match="cannot stand in a list"):
        seal(out, key)
    (out / "two\nlines").unlink()
    (tmp_path / "in").symlink_to(out)
    with pytest.raises(CaseError, match="is not a folder"):
        seal(tmp_path / "in", key)
    assert not (out / SIGNATURE).exists()


def test_what_was_changed_is_not_sealed_over_and_what_was_added_is_sealed_too(out, key):
    seal(out, key)
    (out / "repair").mkdir()
    (out / "repair" / "plan.md").write_text("plan")
    assert seal(out, key).files == 5
    assert verify(out).holds
    (out / "findings.csv").write_text("changed")
    with pytest.raises(CaseError, match=r"findings.csv is not what SHA256SUMS says of it"):
        seal(out, key)
    (out / "findings.csv").unlink()
    with pytest.raises(CaseError, match="gone now"):
        seal(out, key)


def be_killed(out: Path, key: Path, after: int) -> None:
    """Seal, and be gone in the middle of the file that is written after so many others."""
    writes, real = 0, sealing.write_whole

    def write(path: Path, content: bytes, *, mode: int | None = None) -> None:
        nonlocal writes
        if writes == after:
            path.with_name(f".{path.name}.part").write_bytes(content[: len(content) // 2])
            os._exit(9)
        writes += 1
        real(path, content, mode=mode)

    sealing.write_whole = write
    seal(out, open_key(key)[0])


@pytest.mark.parametrize("after", [0, 1, 2, 3])
@pytest.mark.parametrize("again", [False, True])
def test_a_seal_that_was_killed_midway_never_holds_and_is_made_again(out, key, after, again):
    if again:
        seal(out, key)
        (out / "more.csv").write_text("more")
    killed = PROCESSES.Process(target=be_killed, args=(out, key.path, after))
    killed.start()
    killed.join(120)
    assert killed.exitcode == 9
    with pytest.raises(CaseError, match=r"no SHA256SUMS|broken off"):
        verify(out)
    seal(out, key)
    found = verify(out)
    assert found.holds, str(found)
    assert not list(out.glob(".*.part"))


def test_a_key_is_its_owners_alone(tmp_path):
    path = tmp_path / "new" / "seal.pem"
    key, made = open_key(path)
    assert made
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert open_key(path) == (key, False)
    assert repr(key) == f"SealKey({fingerprint(key.public)})"
    path.chmod(0o640)
    with pytest.raises(CaseError, match="Others may read the key"):
        open_key(path)
    path.chmod(0o600)
    path.write_text("nothing")
    with pytest.raises(CaseError, match="no Ed25519 private key"):
        open_key(path)
    with pytest.raises(CaseError, match="cannot be used"):
        open_key(path / "below.pem")


def test_the_statement_names_inputs_outputs_and_claims_nothing(out, key):
    seal(out, key, now=AT)
    document = json.loads((out / "statement.jsonld").read_text())
    named = {
        facet["uco-observable:fileName"]
        for node in document["@graph"]
        for facet in node.get("uco-core:hasFacet", ())
        if "uco-observable:fileName" in facet
    }
    assert named == {"sessions.jsonl", "findings.csv", "manifest.json", "reports/1/report.html"}
    ids = {node["@id"] for node in document["@graph"]}
    (analysis,) = (n for n in document["@graph"] if n.get("uco-core:name") == "analysis")
    assert {one["@id"] for one in analysis["prov:used"] + analysis["prov:generated"]} <= ids
    assert {word.partition(":")[0] for node in document["@graph"] for word in node} <= {
        "@id",
        "@type",
        *document["@context"],
    }
    assert "no claim of conformity" in (out / "statement.jsonld").read_text()


@pytest.mark.parametrize("manifest", ["[]", "{", '{"inputs": [1, {"name": 2}]}', '{"inputs": {}}'])
def test_a_manifest_of_another_kind_names_no_inputs(out, key, manifest):
    (out / "manifest.json").write_text(manifest)
    seal(out, key)
    assert verify(out).holds


def test_the_commands(out, tmp_path):
    runner, key = CliRunner(), tmp_path / "k" / "seal.pem"
    assert runner.invoke(app, ["verify", str(out)]).exit_code != 0
    done = runner.invoke(app, ["seal", str(out), "--key", str(key)])
    assert done.exit_code == 0, done.output
    assert "A key was made" in done.output
    mark = fingerprint(open_key(key)[0].public)
    assert mark in done.output
    assert runner.invoke(app, ["verify", str(out)]).exit_code == 0
    (out / "findings.csv").write_text("")
    found = runner.invoke(app, ["verify", str(out)])
    assert found.exit_code == 1
    assert "changed: findings.csv" in found.output
    for name in ("seal", "verify"):
        told = runner.invoke(app, [name, "--help"])
        assert f"Example: credit-forensics {name} out" in told.output


@pytest.fixture
def time_stamps(tmp_path: Path) -> Iterator[tuple[str, list[str], Path]]:
    """A time-stamping server on loopback, OpenSSL's own; what it is to answer instead; its CA."""
    folder = tmp_path / "tsa"
    folder.mkdir()
    (folder / "tsa.cnf").write_text(
        "[req]\ndistinguished_name=dn\nx509_extensions=ext\nprompt=no\n[dn]\nCN=tsa\n"
        "[ext]\nextendedKeyUsage=critical,timeStamping\nbasicConstraints=CA:TRUE\n"
        "[tsa]\ndefault_tsa=one\n[one]\nserial=serial\nsigner_cert=ca.pem\nsigner_key=key.pem\n"
        "certs=ca.pem\ndefault_policy=1.2.3.4\ndigests=sha256\nsigner_digest=sha256\n"
    )
    openssl = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-config", "tsa.cnf"]
    made = [*openssl, "-keyout", "key.pem", "-out", "ca.pem", "-days", "2"]
    subprocess.run(made, cwd=folder, check=True, capture_output=True)
    instead: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            (folder / "q").write_bytes(self.rfile.read(int(self.headers["content-length"])))
            asked = [
                "openssl",
                "ts",
                "-reply",
                "-config",
                "tsa.cnf",
                "-section",
                "one",
                "-queryfile",
                "q",
                "-out",
                "a",
            ]
            if "again" not in instead:
                subprocess.run(asked, cwd=folder, check=True, capture_output=True)
            self.send_response(500 if "fails" in instead else 200)
            self.end_headers()
            self.wfile.write(b"nothing" if "nothing" in instead else (folder / "a").read_bytes())

        def log_message(self, *_args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/", instead, folder / "ca.pem"
    server.shutdown()
    server.server_close()


@pytest.mark.skipif(shutil.which("openssl") is None, reason="OpenSSL is not installed")
def test_a_token_is_of_this_seal_and_openssl_verifies_it(out, key, time_stamps, tmp_path):
    url, instead, authority = time_stamps
    seal(out, key, timestamp_url=url)
    found = verify(out)
    assert found.holds
    assert "A time stamp of this seal is there" in str(found)
    check = f"openssl ts -verify -in SHA256SUMS.tsr -data SHA256SUMS.sig -CAfile {authority}"
    assert subprocess.run(check.split(), cwd=out, check=False, capture_output=True).returncode == 0
    # Another seal's token, in its place, is none; and a seal without one is no worse.
    token = (out / "SHA256SUMS.tsr").read_bytes()
    (out / "more.csv").write_text("more")
    seal(out, key)
    assert verify(out).holds
    (out / "SHA256SUMS.tsr").write_bytes(token)
    found = verify(out)
    assert not found.holds
    assert "is no time stamp of this seal" in str(found)
    for what, why in (("nothing", "granted no token"), ("fails", "does not answer")):
        instead[:] = [what]
        with pytest.raises(CaseError, match=why):
            seal(out, key, timestamp_url=url)
        assert verify(out).holds
    # An answer to another question is none, though it is the server's.
    instead[:] = ["again"]
    with pytest.raises(CaseError, match="granted no token"):
        seal(out, key, timestamp_url=url)
    with pytest.raises(CaseError, match="begins with https"):
        seal(out, key, timestamp_url="file:///etc/passwd")


def test_a_link_in_the_place_of_a_file_of_the_seals_own_is_named(out, key, tmp_path):
    seal(out, key)
    (out / "SHA256SUMS.tsr").symlink_to("/etc/passwd")
    assert verify(out).added == ("SHA256SUMS.tsr",)
