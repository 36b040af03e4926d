"""A scheduled report that failed is told to the case's targets, over real HTTP."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from credit_forensics.monitoring.failed_report import report_failure
from credit_forensics.reporting.schedule import SchedulePlan, run_once


@pytest.fixture
def receiver():
    received = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self):
            length = int(self.headers["Content-Length"])
            received.append(json.loads(self.rfile.read(length)))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"json://127.0.0.1:{server.server_port}/", received
    server.shutdown()
    thread.join()


def test_the_targets_hear_of_it(tmp_path, receiver):
    url, received = receiver
    case = tmp_path / "case.toml"
    case.write_text(f'name = "shop"\n[monitor]\ntargets = ["{url}"]\n')
    assert report_failure(str(case), "The report failed in cell 3.") == []
    assert received[0]["title"] == "[shop] a scheduled report failed"
    assert "cell 3" in received[0]["message"]


def test_a_target_that_refuses_is_said_without_its_address(tmp_path):
    case = tmp_path / "case.toml"
    case.write_text('name = "shop"\n[monitor]\ntargets = ["json://user:pw-word@127.0.0.1:9/"]\n')
    problems = report_failure(str(case), "It failed.")
    assert len(problems) == 1
    assert "pw-word" not in problems[0]


def test_a_schedules_failed_run_reaches_the_targets(tmp_path, receiver):
    url, received = receiver
    case = tmp_path / "case.toml"
    case.write_text(
        f'name = "shop"\n[ledger]\nurl = "sqlite:///missing.db"\n[monitor]\ntargets = ["{url}"]\n'
    )
    out = tmp_path / "reports"
    out.mkdir()
    assert run_once(SchedulePlan(case_path=str(case), out=str(out))) == "failed"
    assert received, "nobody was told"
