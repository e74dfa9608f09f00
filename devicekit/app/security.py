"""Who may ask: this machine's user alone, through the address that was printed; nothing of another page.

The server listens on 127.0.0.1. A page of the web cannot reach it under another name (`Host`) and cannot act for the
user (`Origin`, `Sec-Fetch-Site`, a cookie that is strictly of this site), and what a file says is never run (content
policy).
"""

from __future__ import annotations

import re
import secrets
from urllib.parse import parse_qs, unquote

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

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
# What a page, a shell or a disk could misread.
_MISREAD = re.compile(r'[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069<>:"|?*`]')
_DISK = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?")  # no files on Windows, whatever their ending


class Guard:
    """Middleware that answers what may not be asked, and puts the policy on every answer.

    Parameters
    ----------
    app : ASGI application
    port : int
        Port that the server listens on.
    token : str
        Secret of the start address, which becomes a cookie.
    """

    def __init__(self, app: ASGIApp, port: int, token: str) -> None:
        self.app, self.port, self.token = app, port, token

    @property
    def cookie(self) -> str:
        """Name of the cookie; cookies do not tell ports apart, so that it holds the port."""
        return f"devicekit-{self.port}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or let through."""
        if scope["type"] != "http":
            return
        refusal = self._refusal(Request(scope))

        async def with_policy(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
                message = {**message, "headers": [*message["headers"], *own]}
            await send(message)

        await (refusal or self.app)(scope, receive, with_policy)

    def _refusal(self, request: Request) -> Response | None:
        if request.headers.get("host") not in (f"127.0.0.1:{self.port}", f"localhost:{self.port}"):
            return PlainTextResponse("This is no address of devicekit's app.", 400)
        own = f"http://{request.headers['host']}"
        shown = parse_qs(request.url.query).get("key", [""])[0]
        if request.method in SAFE and request.url.path == "/" and shown:
            return self._enter(shown)
        if not _same(request.cookies.get(self.cookie, ""), self.token):
            return PlainTextResponse("Open the address that devicekit app has printed: it holds the key.", 403)
        if request.method in SAFE:
            return None
        site = request.headers.get("sec-fetch-site", "same-origin")
        if request.headers.get("origin") != own or site not in ("same-origin", "none"):
            return PlainTextResponse("Only devicekit's own pages may do that.", 403)
        return None

    def _enter(self, shown: str) -> Response:
        if not _same(shown, self.token):
            return PlainTextResponse("The key in this address is not that of the running app.", 403)
        answer = RedirectResponse("/", 303)
        answer.set_cookie(self.cookie, self.token, httponly=True, samesite="strict", path="/")
        return answer


def _same(shown: str, secret: str) -> bool:
    return secrets.compare_digest(shown.encode(), secret.encode())


def plain_name(said: str) -> str:
    """The name of an uploaded file: its last component, without what a path or a page could misread.

    Everything else stays as it is, so that the command which a page shows names the user's own file.

    Parameters
    ----------
    said : str
        As the browser sent it, percent-encoded.
    """
    last = re.split(r"[/\\]", unquote(said).replace("\0", ""))[-1]
    name = _trimmed(_MISREAD.sub("_", last))
    if _DISK.fullmatch(name):
        name = f"_{name}"
    stem, dot, ending = name.rpartition(".")
    if not dot or len(ending) > LONGEST_ENDING:
        stem, dot, ending = name, "", ""
    room = LONGEST_NAME - len(f"{dot}{ending}".encode())
    return _trimmed(stem.encode()[:room].decode("utf-8", "ignore") + dot + ending) or "file"


def _trimmed(name: str) -> str:
    """Without points and blanks at either end: hidden on one system, dropped on another."""
    return re.sub(r"^[\s.]+|[\s.]+$", "", name)
