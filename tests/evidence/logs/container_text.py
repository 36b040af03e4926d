"""The same handler's lines as platforms hand them out: one writer a container, literal to the byte."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

PATH = "/api/webhooks/stripe"
AGENT = "Stripe/1.0 (+https://stripe.com/docs/webhooks)"


class Said(NamedTuple):
    """One message: when (UTC), how loud, in which request, and the words."""

    at: datetime
    level: str
    request: str
    text: str

    @property
    def ms(self) -> int:
        return round(self.at.timestamp() * 1000)

    @property
    def iso(self) -> str:
        return f"{self.at:%Y-%m-%dT%H:%M:%S}.{self.at.microsecond // 1000:03d}Z"


def lines_of(form: Callable[[Said], str]) -> Callable[[Sequence[Said]], str]:
    """A container of a line a message."""
    return lambda said: "".join(form(one) + "\n" for one in said)


def records_of(form: Callable[[Said], object]) -> Callable[[Sequence[Said]], str]:
    """A container of a JSON record a line."""
    return lambda said: "".join(json.dumps(form(one), ensure_ascii=False) + "\n" for one in said)


def document_of(form: Callable[[Said], object], indent: int | None = 2) -> Callable[..., str]:
    """A container that is one JSON array."""
    return lambda said: json.dumps([form(one) for one in said], indent=indent)


def table_of(form: Callable[[Said], dict[str, object]], delimiter: str = ",") -> Callable[..., str]:
    """A container that is a table with a heading."""

    def write(said: Sequence[Said]) -> str:
        text = io.StringIO()
        rows = [form(one) for one in said]
        writer = csv.DictWriter(text, list(rows[0]), delimiter=delimiter, lineterminator="\r\n")
        writer.writeheader()
        writer.writerows(rows)
        return text.getvalue()

    return write


def newest_first(write: Callable[[Sequence[Said]], str]) -> Callable[[Sequence[Said]], str]:
    """The container as a platform that shows the newest first hands it out."""
    return lambda said: write(list(reversed(said)))


def _drain(m: Said) -> object:
    return {
        "id": str(m.ms), "deploymentId": "dpl_1", "source": "lambda", "host": "shop.example.com",
        "timestamp": m.ms, "projectId": "prj_1", "level": m.level, "message": m.text, "path": PATH,
        "type": "stdout", "statusCode": 200, "requestId": m.request, "environment": "production",
        "proxy": {"timestamp": m.ms, "method": "POST", "path": PATH, "statusCode": 200},
    }  # fmt: skip


def _dashboard(m: Said) -> dict[str, object]:
    return {
        "TimeUTC": f"{m.at:%Y-%m-%d %H:%M:%S}", "timestampInMs": m.ms, "requestPath": PATH,
        "requestMethod": "POST", "responseStatusCode": 200, "requestId": m.request,
        "requestUserAgent": AGENT, "level": m.level, "host": "shop.example.com", "message": m.text,
        "sessionId": "", "traceId": "",
    }  # fmt: skip


def _cloud(m: Said) -> object:
    return {
        "insertId": f"i{m.ms}", "textPayload": m.text, "timestamp": m.iso,
        "receiveTimestamp": "2025-12-31T00:00:00Z", "severity": m.level.upper(),
        "resource": {"type": "cloud_run_revision", "labels": {"service_name": "api"}},
        "trace": f"projects/p/traces/{m.request}",
    }  # fmt: skip


def _tail(said: Sequence[Said]) -> str:
    invocations: dict[str, list[Said]] = {}
    for one in said:
        invocations.setdefault(one.request, []).append(one)
    return "".join(
        json.dumps({
            "outcome": "ok", "scriptName": "api", "exceptions": [],
            "logs": [{"message": [m.text], "level": "log", "timestamp": m.ms} for m in inner],
            "eventTimestamp": inner[0].ms,
            "event": {"request": {"url": f"https://x.example{PATH}", "method": "POST"},
                      "response": {"status": 200}},
        }) + "\n"
        for inner in invocations.values()
    )  # fmt: skip


def _loki(said: Sequence[Said]) -> str:
    values = [[str(m.ms * 1_000_000), m.text] for m in said]
    stream = {"stream": {"app": "api"}, "values": values}
    return json.dumps({"status": "success", "data": {"resultType": "streams", "result": [stream]}})


def _insights(said: Sequence[Said]) -> str:
    rows = [
        [{"field": "@timestamp", "value": f"{m.at:%Y-%m-%d %H:%M:%S}.{m.at.microsecond // 1000:03d}"},
         {"field": "@message", "value": m.text}, {"field": "@ptr", "value": "CmEK"}]
        for m in said
    ]  # fmt: skip
    return json.dumps(
        {"results": rows, "statistics": {"recordsMatched": 8.0}, "status": "Complete"}
    )


def _filtered(said: Sequence[Said]) -> str:
    events = [
        {"logStreamName": "2025/09/01/[$LATEST]ab", "timestamp": m.ms, "ingestionTime": m.ms + 900,
         "message": f"{m.iso}\t{_uuid(m.request)}\t{m.level.upper()}\t{m.text}\n",
         "eventId": "3" * 56}
        for m in said
    ]  # fmt: skip
    return json.dumps({"events": events, "searchedLogStreams": []}, indent=4)


def _uuid(request: str) -> str:
    return f"7f7a1d2c-1111-4222-8333-{sum(map(ord, request)):012d}"


def _search(said: Sequence[Said]) -> str:
    data = [
        {"id": "AQ", "type": "log", "attributes": {
            "status": m.level, "service": "api", "timestamp": m.iso, "message": m.text,
            "tags": ["env:prod"], "attributes": {"http": {"status_code": 200}}}}
        for m in said
    ]  # fmt: skip
    return json.dumps({"data": data, "meta": {"page": {"after": "x"}}})


def _elastic(said: Sequence[Said]) -> str:
    hits = [{"_index": "logs", "_source": {"@timestamp": m.iso, "message": m.text}} for m in said]
    return json.dumps({"took": 3, "hits": {"total": {"value": len(said)}, "hits": hits}})


def _telemetry(said: Sequence[Said]) -> str:
    records = [
        {"timeUnixNano": str(m.ms * 1_000_000), "severityText": m.level.upper(),
         "body": {"stringValue": m.text}, "traceId": m.request}
        for m in said
    ]  # fmt: skip
    return json.dumps({"resourceLogs": [{"resource": {}, "scopeLogs": [{"logRecords": records}]}]})


def _journal(m: Said) -> object:
    text: object = m.text if m.text.isascii() else list(m.text.encode())
    return {
        "__REALTIME_TIMESTAMP": str(m.ms * 1000), "__MONOTONIC_TIMESTAMP": "1", "_PID": "812",
        "PRIORITY": "3" if m.level == "error" else "6", "SYSLOG_IDENTIFIER": "node", "MESSAGE": text,
    }  # fmt: skip


def _local(m: Said) -> str:
    hour = m.at.hour % 12 or 12
    return f"{m.at:%m/%d/%Y}, {hour}:{m.at:%M:%S %p}"


CONTAINERS: dict[str, Callable[[Sequence[Said]], str]] = {
    "vercel drain": records_of(_drain),
    "vercel drain, array": document_of(_drain, None),
    "vercel dashboard": newest_first(table_of(_dashboard)),
    "vercel logs": lines_of(lambda m: f"{m.iso}  [{m.level}]  {m.text}"),
    "railway": records_of(lambda m: {
        "message": m.text, "severity": m.level, "timestamp": m.iso.replace("Z", "456789Z"),
        "attributes": {"level": m.level}, "tags": {"serviceId": "s"}}),
    "render": lines_of(lambda m: f"{m.at:%b} {m.at.day} {m.at:%I:%M:%S %p}  [x7k2p]  {m.text}"),
    "render table": table_of(lambda m: {"timestamp": m.iso, "instance": "srv-1", "message": m.text}),
    "fly": lines_of(lambda m: f"{m.iso} app[148e272c]  iad [{m.level}]{m.text}"),
    "fly json": records_of(lambda m: {
        "event": {"provider": "app"}, "fly": {"app": {"instance": "1", "name": "x"}, "region": "iad"},
        "host": "7c11", "log": {"level": m.level}, "message": m.text, "timestamp": m.iso}),
    "heroku": lines_of(lambda m: f"{m.iso.replace('Z', '456+00:00')} app[web.1]: {m.text}"),
    "cloudwatch export": lines_of(lambda m: f"{m.iso} {m.text}"),
    "cloudwatch insights": table_of(lambda m: {
        "@timestamp": f"{m.at:%Y-%m-%d %H:%M:%S}.123", "@message": m.text, "@logStream": "web/1"}),
    "cloudwatch insights json": _insights,
    "cloudwatch filter": _filtered,
    "google cloud": records_of(_cloud),
    "google cloud, newest first": newest_first(document_of(_cloud)),
    "google cloud json payload": document_of(lambda m: {
        "jsonPayload": {"message": m.text, "level": m.level}, "timestamp": m.iso,
        "labels": {"execution_id": m.request}}),
    "datadog": newest_first(table_of(lambda m: {
        "Date": m.iso, "Host": "i-1", "Service": "api", "Message": m.text})),
    "datadog api": _search,
    "cloudflare": _tail,
    "supabase": table_of(lambda m: {
        "event_message": m.text + "\n", "event_type": "Log", "function_id": "f", "id": "x",
        "level": m.level, "timestamp": m.ms * 1000}),
    "loki": _loki,
    "logcli": records_of(lambda m: {"labels": {"app": "api"}, "line": m.text, "timestamp": m.iso}),
    "grafana": table_of(lambda m: {
        "Time": m.ms, "labels": '{"app":"api"}', "Line": m.text, "tsNs": m.ms * 1_000_000}),
    "journal json": records_of(_journal),
    "journal short": lines_of(lambda m: f"{m.at:%b %d %H:%M:%S} web1 node[812]: {m.text}"),
    "journal short-iso": lines_of(lambda m: f"{m.at:%Y-%m-%dT%H:%M:%S}+0000 web1 node[812]: {m.text}"),
    "kubernetes": lines_of(lambda m: f"{m.iso.replace('Z', '456789Z')} stdout F {m.text}"),
    "kubectl": lines_of(lambda m: f"[pod/api-7d4b9c-x2x7p/app] {m.iso} {m.text}"),
    "docker": records_of(lambda m: {"log": m.text + "\n", "stream": "stdout", "time": m.iso}),
    "compose": lines_of(lambda m: f"api-1  | {m.iso} {m.text}"),
    "compose around records": lines_of(lambda m: "api-1  | " + json.dumps(
        {"level": 30, "time": m.ms, "pid": 1, "msg": m.text, "reqId": m.request})),
    "elastic": _elastic,
    "telemetry": _telemetry,
    "key=value": lines_of(lambda m: (
        f'time={m.iso} level={m.level} request_id={m.request} msg="{m.text}"')),
    "nest": lines_of(lambda m: f"[Nest] 1  - {_local(m)}     LOG [Webhooks] {m.text}"),
    "ruby": lines_of(lambda m: (
        f"I, [{m.iso.replace('Z', '456')} #42]  INFO -- : [{m.request}] {m.text}")),
    "laravel": lines_of(lambda m: f"[{m.at:%Y-%m-%d %H:%M:%S}] production.INFO: {m.text}"),
    "spring": lines_of(lambda m: f"{m.iso}  INFO 1 --- [nio-8080-exec-1] c.e.Hook   : {m.text}"),
    "german table": table_of(lambda m: {"date": f"{m.at:%d.%m.%Y %H:%M:%S}", "text": m.text}, ";"),
    "table of a query": lambda said: json.dumps({"tables": [{
        "name": "PrimaryResult", "columns": [{"name": "timestamp"}, {"name": "message"}],
        "rows": [[m.iso, m.text] for m in said]}]}),
    "breadcrumbs": lambda said: json.dumps([{
        "event_id": "f0", "timestamp": said[-1].at.timestamp(), "message": "webhook",
        "breadcrumbs": {"values": [
            {"timestamp": m.at.timestamp(), "level": m.level, "message": m.text} for m in said]}}]),
    "table with brackets": table_of(lambda m: {
        "timestamp [UTC]": f"{_local(m)}", "message": m.text, "severityLevel": 1}),
    "dotnet console": lines_of(lambda m: (
        f"{m.iso} info: Shop.Billing.Webhook[0]\n{m.iso}       {m.text}")),
    "record in a record": records_of(lambda m: {
        "timestamp": m.iso, "log": json.dumps({"level": m.level, "msg": m.text})}),
}  # fmt: skip

EVENT = "checkout.session.completed"
START = datetime(2025, 9, 1, 22, 0, 0, 123_000, tzinfo=UTC)
USER = "11111111-1111-4111-8111-111111111111"
