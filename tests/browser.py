"""A headless Chromium, driven over its DevTools protocol: for what only a browser can say of a page."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = (
    "--headless=new",
    "--no-sandbox",  # which root has none of
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
)
PATIENCE = 120
LARGEST = 64 * 2**20  # bytes of a message: screenshots come in one

# What a key is to the protocol: its code, and the text that it types.
KEYS: Mapping[str, tuple[int, str]] = {
    "Tab": (9, ""),
    "Enter": (13, "\r"),
    "Escape": (27, ""),
    "ArrowUp": (38, ""),
    "ArrowDown": (40, ""),
}
CONTROL = 2


def chromium() -> str | None:
    """Where it is, if it is installed."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


class Page:
    """One tab. `errors` are what its console has against it, `requested` the addresses that it asked for."""

    def __init__(self, connection: ClientConnection) -> None:
        self.errors: list[str] = []
        self.requested: list[str] = []
        self._connection = connection
        self._session: dict[str, str] = {}
        self._sent = 0
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self._session = {"sessionId": self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]}
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")

    def send(self, method: str, **params: Any) -> dict[str, Any]:
        """One command's result. What happens meanwhile is noted."""
        self._sent += 1
        self._connection.send(json.dumps({"id": self._sent, "method": method, "params": params, **self._session}))
        while (told := self._received()).get("id") != self._sent:
            self._note(told)
        if "error" in told:
            raise RuntimeError(f"{method}: {told['error']['message']}")
        result: dict[str, Any] = told["result"]
        return result

    def open(self, url: str) -> None:
        """Returns when it has loaded."""
        self.send("Page.navigate", url=url)
        while (told := self._received()).get("method") != "Page.loadEventFired":
            self._note(told)

    def evaluate(self, expression: str) -> Any:
        """What a JavaScript expression, or the promise that it is, comes to."""
        told = self.send("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in told:
            raise RuntimeError(told["exceptionDetails"]["exception"]["description"])
        return told["result"].get("value")

    def until(self, expression: str) -> None:
        """Waits for the expression to become true, which is looked at whenever the page has changed."""
        self.evaluate(
            f"""new Promise(done => {{
                const seen = () => ({expression}) && (watching.disconnect(), done());
                const watching = new MutationObserver(seen);
                watching.observe(document, {{subtree: true, childList: true, characterData: true, attributes: true}});
                seen();
            }})"""
        )

    def press(self, key: str, *, control: bool = False) -> None:
        code, text = KEYS[key]
        modifiers = CONTROL if control else 0
        shared = {"key": key, "code": key, "windowsVirtualKeyCode": code, "modifiers": modifiers}
        typed = {"text": text} if text and not control else {}
        self.send("Input.dispatchKeyEvent", type="keyDown" if typed else "rawKeyDown", **shared, **typed)
        self.send("Input.dispatchKeyEvent", type="keyUp", **shared)

    def type(self, text: str) -> None:
        """Where the focus is."""
        self.send("Input.insertText", text=text)

    def look(self, width: int, height: int, *, dark: bool = False) -> None:
        """The size of the window, and what the system prefers."""
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        still = {"name": "prefers-reduced-motion", "value": "reduce"}
        self.send("Emulation.setEmulatedMedia", features=[scheme, still])

    def screenshot(self, path: Path, *, whole: bool = False) -> None:
        told = self.send("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(told["data"]))

    def _received(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self._connection.recv(PATIENCE))
        return told

    def _note(self, told: Mapping[str, Any]) -> None:
        params = told.get("params", {})
        match told.get("method"):
            case "Network.requestWillBeSent":
                self.requested.append(params["request"]["url"])
            case "Runtime.exceptionThrown":
                self.errors.append(json.dumps(params["exceptionDetails"]))
            case "Log.entryAdded" if params["entry"]["level"] == "error":
                self.errors.append(params["entry"]["text"])


@contextmanager
def browsing(program: str, profile: Path) -> Iterator[Page]:
    """A fresh browser with one tab. `profile` is a folder that it may fill."""
    command = [program, *FLAGS, f"--user-data-dir={profile}"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        try:
            address = _address(process)
            with connect(address, max_size=LARGEST, open_timeout=PATIENCE) as connection:
                yield Page(connection)
        finally:
            process.terminate()
            process.stderr.read()  # until it has closed it


def _address(process: subprocess.Popen[str]) -> str:
    assert process.stderr
    told = []
    for line in process.stderr:
        told.append(line)
        if line.startswith("DevTools listening on "):
            return line.split()[-1]
    raise RuntimeError("the browser did not start:\n" + "".join(told))
