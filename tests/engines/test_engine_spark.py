"""Spark on a cluster of several worker processes: the same bytes, also when a worker is lost."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from engine_parity import analysed, assert_same, awkward_evidence, small_world

from credit_forensics.case.case import Case
from credit_forensics.case.csv_bytes import csv_bytes
from credit_forensics.engines.handover import hand_over
from credit_forensics.engines.spark import SparkEngine
from credit_forensics.errors import CaseError
from credit_forensics.scenarios.demo import write_demo_case
from credit_forensics.tables.catalogue import Tables

pytestmark = pytest.mark.scale

WORKERS = 2
HOST = "127.0.0.1"


class Cluster:
    """A standalone master and its workers, each a process (group) of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._processes: list[subprocess.Popen[bytes]] = []
        self.workers: list[subprocess.Popen[bytes]] = []
        log = folder / "master.log"
        self._start("master", "Master", "--host", HOST, "--port", "0", "--webui-port", "0")
        self.url = self._wait(log, r"Starting Spark master at (spark://\S+)")[0]
        for number in range(WORKERS):
            self.add_worker(number)

    def add_worker(self, number: int) -> None:
        """Start one more worker with one core, and wait until the master has it."""
        name = f"worker{number}"
        options = ["--host", HOST, "--cores", "1", "--memory", "1g", "--webui-port", "0"]
        work = ["--work-dir", str(self._folder / name)]
        self.workers.append(self._start(name, "Worker", *options, *work, self.url))
        self._wait(self._folder / f"{name}.log", "Successfully registered with master")

    def lose(self, number: int) -> None:
        """Kill a worker and its executor, as a machine that goes dark."""
        os.killpg(self.workers[number].pid, signal.SIGKILL)
        self.workers[number].wait()

    def stop(self) -> None:
        """End every process that was started here."""
        for process in self._processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _start(self, name: str, role: str, *arguments: str) -> subprocess.Popen[bytes]:
        import pyspark

        home = Path(pyspark.__file__).parent
        command = [
            str(home / "bin" / "spark-class"),
            f"org.apache.spark.deploy.{role.lower()}.{role}",
        ]
        with (self._folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                [*command, *arguments],
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={**os.environ, "SPARK_HOME": str(home), "SPARK_LOCAL_IP": HOST},
            )
        self._processes.append(process)
        return process

    def _wait(self, log: Path, pattern: str) -> list[str]:
        for _ in range(1_200):
            found = re.findall(pattern, log.read_text(errors="replace"))
            if found:
                return [str(one) for one in found]
            time.sleep(0.1)
        raise AssertionError(log.read_text(errors="replace"))


@pytest.fixture(scope="module")
def cluster(tmp_path_factory) -> Iterator[Cluster]:
    os.environ["SPARK_LOCAL_IP"] = HOST
    os.environ["PYSPARK_PYTHON"] = sys.executable
    made = Cluster(tmp_path_factory.mktemp("cluster"))
    yield made
    made.stop()


@pytest.fixture
def engine(cluster, tmp_path) -> Iterator[SparkEngine]:
    opened = SparkEngine(cluster.url, folder=tmp_path, memory="1GB")
    opened.session.conf.set("spark.sql.shuffle.partitions", "2")
    yield opened
    opened.close()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("mode", ["hindsight", "as_of"])
def test_a_world_gives_the_same_bytes(engine, mode):
    assert_same(small_world(), engine, mode)


def test_a_world_of_200_000_gives_the_same_bytes(engine):
    assert_same(small_world(200_000), engine)


def test_awkward_ids_and_fractions_of_seconds_give_the_same_bytes(engine):
    assert_same(awkward_evidence(), engine)


def test_the_demo_case_runs_where_the_case_file_says(cluster, tmp_path):
    path = write_demo_case(tmp_path / "demo")
    here = csv_bytes(Case.open(path).findings)
    section = f'name = "spark"\nmaster = "{cluster.url}"\ntemp_directory = "{tmp_path / "spark"}"'
    path.write_text(f"{path.read_text()}\n[engine]\n{section}\n")
    case = Case.open(path)
    assert csv_bytes(case.findings) == here
    assert case.manifest["parameters"]["engine"] == "spark"


def test_one_process_has_one_spark_and_another_master_is_refused(cluster, engine):
    with pytest.raises(CaseError, match="already, so not with"):
        SparkEngine("local[1]")


def test_two_cases_in_one_process_do_not_see_each_other(cluster, engine, tmp_path_factory):
    other = SparkEngine(cluster.url, folder=tmp_path_factory.mktemp("other"))
    engine.register("balances", pd.DataFrame({"user_id": ["a"], "balance": [1]}))
    other.register("balances", pd.DataFrame({"user_id": ["b"], "balance": [None]}))
    assert engine.frame(Tables().balances)["balance"].tolist() == [1]
    assert other.frame(Tables().balances)["balance"].tolist() == [pd.NA]
    other.close()


def test_a_table_that_is_not_there_is_one_sentence(engine):
    with pytest.raises(CaseError, match="could not answer: TABLE_OR_VIEW_NOT_FOUND"):
        engine.frame(Tables().balances)


def test_a_worker_that_is_lost_midway_changes_nothing(cluster, engine):
    from credit_forensics.judgement.judge import judge

    evidence = small_world(2_000, seed=7)
    expected = analysed(evidence.engine)
    hand_over(evidence.engine, engine)
    lost = threading.Timer(1.0, cluster.lose, [0])

    def progress(name: str, number: int, of: int) -> None:
        if name == "methods":  # its joins are under way when the worker goes
            lost.start()

    judge(engine, progress=progress)
    lost.join()
    assert cluster.workers[0].returncode == -signal.SIGKILL
    # The second run has one worker from its beginning.
    assert analysed(engine) == expected
