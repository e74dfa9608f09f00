"""Access control: only this machine's user, through the printed address, and only pages of the app.

The server listens on 127.0.0.1. A web page cannot reach it under another name (`Host`) and cannot act for the user
(`Origin`, `Sec-Fetch-Site`, a cookie with SameSite=Strict), and content of files is never run (content policy).
"""

from __future__ import annotations

import re
import secrets
from pathlib import Path
from urllib.parse import parse_qs, quote, unquote

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from devicekit.core.errors import FileError

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",  # with no-referrer, browsers send our own forms with the origin "null"
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}
SAFE = ("GET", "HEAD")
LONGEST_NAME = 200  # bytes; a folder takes 255
LONGEST_ENDING = 20  # characters
MOST_PARTS = 20  # of a path in a folder
# Characters with a meaning in a page, a shell or a file system.
_SPECIAL = re.compile(r'[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069<>:"|?*`]')
_WINDOWS_DEVICE = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?")  # devices on Windows, with any ending


class Guard:
    """Middleware that refuses requests without access and adds the policy to every answer.

    Parameters
    ----------
    app : ASGI application
    port : int
        Port that the server listens on.
    token : str
        Secret key in the start address; it becomes a cookie.
    """

    def __init__(self, app: ASGIApp, port: int, token: str) -> None:
        self.app, self.port, self.token = app, port, token

    @property
    def cookie(self) -> str:
        """Name of the cookie; it contains the port, because cookies are shared by all ports of a host."""
        return f"devicekit-{self.port}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it to the app."""
        if scope["type"] != "http":
            return
        refusal = self._refusal(Request(scope))

        async def with_policy(message: Message) -> None:
            if message["type"] == "http.response.start":
                added = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
                message = {**message, "headers": [*message["headers"], *added]}
            await send(message)

        await (refusal or self.app)(scope, receive, with_policy)

    def _refusal(self, request: Request) -> Response | None:
        if request.headers.get("host") not in (f"127.0.0.1:{self.port}", f"localhost:{self.port}"):
            return PlainTextResponse("This is not an address of the devicekit app.", 400)
        origin = f"http://{request.headers['host']}"
        key = parse_qs(request.url.query).get("key", [""])[0]
        if request.method in SAFE and request.url.path == "/" and key:
            return self._accept_key(key)
        if not _equal_secrets(request.cookies.get(self.cookie, ""), self.token):
            return PlainTextResponse("Open the address that devicekit app printed; it contains the key.", 403)
        if request.method in SAFE:
            return None
        site = request.headers.get("sec-fetch-site", "same-origin")
        if request.headers.get("origin") != origin or site not in ("same-origin", "none"):
            return PlainTextResponse("Only pages of the devicekit app may do this.", 403)
        return None

    def _accept_key(self, key: str) -> Response:
        if not _equal_secrets(key, self.token):
            return PlainTextResponse("The key in this address is not the key of the running app.", 403)
        answer = RedirectResponse("/", 303)
        answer.set_cookie(self.cookie, self.token, httponly=True, samesite="strict", path="/")
        return answer


def _equal_secrets(key: str, secret: str) -> bool:
    return secrets.compare_digest(key.encode(), secret.encode())


def clean_file_name(name: str) -> str:
    """Return the last component of the name of an uploaded file, without special characters.

    Everything else stays, so that the command line on a page names the user's file.

    Parameters
    ----------
    name : str
        Name from the browser, percent-encoded.
    """
    last = re.split(r"[/\\]", unquote(name).replace("\0", ""))[-1]
    name = _trim(_SPECIAL.sub("_", last))
    if _WINDOWS_DEVICE.fullmatch(name):
        name = f"_{name}"
    stem, dot, ending = name.rpartition(".")
    if not dot or len(ending) > LONGEST_ENDING:
        stem, dot, ending = name, "", ""
    room = LONGEST_NAME - len(f"{dot}{ending}".encode())
    return _trim(stem.encode()[:room].decode("utf-8", "ignore") + dot + ending) or "file"


def clean_path(name: str, where: str) -> Path:
    """Return the path of an uploaded file in its folder, each part of it without special characters.

    Raises FileError if it leads out of the folder, or is very deep.

    Parameters
    ----------
    name : str
        Path from the browser or an archive, percent-encoded.
    where : str
        Name of the folder or archive, for messages.
    """
    whole = unquote(name).replace("\0", "")
    parts = re.split(r"[/\\]", whole)
    if ".." in parts or (whole and not parts[0]):
        raise FileError(f"{where} holds a path that leads out of it: {whole[:80]}. Nothing was stored.")
    parts = [quote(each) for each in parts if each not in ("", ".")]
    if len(parts) > MOST_PARTS:
        raise FileError(f"{where} holds folders in folders, more than {MOST_PARTS} deep. Open an inner folder.")
    return Path(*map(clean_file_name, parts or [""]))


def _trim(name: str) -> str:
    """Strip points and blanks at either end: hidden on one system, removed on another."""
    return re.sub(r"^[\s.]+|[\s.]+$", "", name)
