"""Drives headless Chromium over its DevTools protocol, with the network off."""

from __future__ import annotations

import asyncio
import base64
import json
import shutil
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from tornado.websocket import websocket_connect

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
    # Nothing but this machine resolves, so that a request that slipped out would fail and show.
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE localhost",
)


class ChromiumPage:
    """One page. ``requests`` holds every address asked for, ``problems`` what the console said."""

    def __init__(self) -> None:
        self._profile = tempfile.mkdtemp(prefix="chromium_")
        self._process = subprocess.Popen(
            [_chromium(), *FLAGS, f"--user-data-dir={self._profile}", "about:blank"],
            stderr=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        self._loop = asyncio.new_event_loop()
        self._number = 0
        self.requests: list[str] = []
        self.problems: list[str] = []
        try:
            self._socket = self._loop.run_until_complete(self._connect(self._page_address()))
            for domain in ("Page", "Runtime", "Network", "Log"):
                self.send(f"{domain}.enable")
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> ChromiumPage:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the browser that this object started."""
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._loop.close()
        shutil.rmtree(self._profile, ignore_errors=True)

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command; events that come meanwhile are noted."""
        return self._loop.run_until_complete(self._send(method, parameters))

    def open(
        self, address: str, *, width: int = 1280, height: int = 900, dark: bool = False
    ) -> None:
        """Open an address and wait until it has loaded."""
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        scheme = "dark" if dark else "light"
        self.send(
            "Emulation.setEmulatedMedia",
            features=[{"name": "prefers-color-scheme", "value": scheme}],
        )
        self.send("Page.navigate", url=address)
        self.wait_for("document.readyState === 'complete'")

    def wait_for(self, condition: str, seconds: float = 90.0) -> None:
        """Wait until a JavaScript expression is true."""
        end = time.monotonic() + seconds
        while not self.value(condition):
            if time.monotonic() > end:
                raise AssertionError(f"not within {seconds} s: {condition}")
            time.sleep(0.05)

    def value(self, expression: str) -> Any:
        """The value of a JavaScript expression, promises awaited."""
        told = self.send(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in told:
            raise AssertionError(told["exceptionDetails"])
        return told["result"].get("value")

    def screenshot(self, path: Path, *, top: int = 0, height: int | None = None) -> None:
        """Write a picture of the page from ``top`` on."""
        width = self.value("document.documentElement.clientWidth")
        full = self.value("document.documentElement.scrollHeight")
        clip = {"x": 0, "y": top, "width": width, "height": height or full - top, "scale": 1}
        told = self.send(
            "Page.captureScreenshot", format="png", clip=clip, captureBeyondViewport=True
        )
        path.write_bytes(base64.b64decode(told["data"]))

    async def _connect(self, address: str) -> Any:
        return await websocket_connect(address, max_message_size=1 << 28)

    async def _send(self, method: str, parameters: dict[str, Any]) -> dict[str, Any]:
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        await self._socket.write_message(json.dumps(message))
        while True:
            text = await asyncio.wait_for(self._socket.read_message(), 60)
            if text is None:
                raise AssertionError("the browser went away")
            told = json.loads(text)
            if told.get("id") == self._number:
                if "error" in told:
                    raise AssertionError(told["error"])
                result: dict[str, Any] = told["result"]
                return result
            self._note(told)

    def _note(self, event: dict[str, Any]) -> None:
        details = event.get("params", {})
        kind = event.get("method")
        if kind == "Network.requestWillBeSent":
            address = details["request"]["url"]
            if not address.startswith("data:"):
                self.requests.append(address)
        elif kind == "Runtime.exceptionThrown":
            self.problems.append(str(details["exceptionDetails"]))
        elif kind == "Runtime.consoleAPICalled" and details["type"] in ("error", "warning"):
            self.problems.append(str(details["args"]))
        elif kind == "Log.entryAdded" and details["entry"]["level"] == "error":
            self.problems.append(str(details["entry"]["text"]))

    def _page_address(self) -> str:
        told = Path(self._profile) / "DevToolsActivePort"
        end = time.monotonic() + 30
        while not (told.exists() and told.read_text().count("\n")):
            if time.monotonic() > end or self._process.poll() is not None:
                raise AssertionError("Chromium did not start")
            time.sleep(0.05)
        port = told.read_text().splitlines()[0]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list") as answer:
            pages = json.load(answer)
        return next(page["webSocketDebuggerUrl"] for page in pages if page["type"] == "page")


def _chromium() -> str:
    for name in ("chromium", "chromium-browser", "google-chrome"):
        found = shutil.which(name)
        if found:
            return found
    raise AssertionError("no Chromium; install Debian's package chromium")
