"""Who may speak to this server: a browser that was given the token, at the addresses it has.

Every request is looked at, also those for the page itself and for the stream. A page of another
site can make a browser send requests here; it cannot know the token, its Origin is its own, and
the cookie is not sent along (SameSite=Strict). A name that was made to point here (DNS rebinding)
shows in the Host.
"""

from __future__ import annotations

import secrets
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

from starlette.datastructures import Headers, QueryParams
from starlette.requests import cookie_parser
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; worker-src 'self'; "
    "frame-src 'self'; manifest-src 'self'; base-uri 'self'; form-action 'none'; "
    "frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": CSP,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
"""On every answer that does not say otherwise itself."""


WHO = "Open the address that `pilotlight app` printed: it holds the token that lets a browser in."
STRANGER = f"""<!doctype html><meta charset="utf-8"><title>Pilotlight</title>
<body style="font: 1rem/1.5 system-ui; max-width: 36rem; margin: 4rem auto; padding: 0 1rem">
<h1>Not yet let in</h1><p>{WHO}</p>
<p>If this browser has been here before: <a href="">go on</a>.</p>"""
"""A link from another site brings no cookie with it; one on our own page does."""


def _secret() -> str:
    return secrets.token_urlsafe(24)


@dataclass(frozen=True)
class Keys:
    """The token of the printed address, and what the cookie holds once it was shown."""

    port: int
    root_path: str = ""
    allowed: Sequence[str] = ()
    token: str = field(default_factory=_secret)
    session: str = field(default_factory=_secret)

    @property
    def cookie(self) -> str:
        """Cookies are shared by all ports of a host, so the port is in its name."""
        return f"pilotlight-{self.port}"

    @property
    def address(self) -> str:
        """What is printed."""
        return f"http://127.0.0.1:{self.port}{self.root_path}/?token={self.token}"

    def is_host(self, host: str) -> bool:
        """Whether a Host header names this server."""
        host = host.lower()
        own = {f"{name}:{self.port}" for name in LOOPBACK}
        named = {name.lower() for name in self.allowed}
        return host in own or host in named or host.rpartition(":")[0] in named

    def is_origin(self, origin: str) -> bool:
        """Whether an Origin header is that of our own page."""
        parts = urlsplit(origin)
        return parts.scheme in ("http", "https") and self.is_host(parts.netloc)


class Guard:
    """Lets a request through, exchanges the token for the cookie, or refuses in words."""

    def __init__(self, app: ASGIApp, keys: Keys) -> None:
        self._app = app
        self._keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        scope["root_path"] = self._keys.root_path
        answer = self._answer(scope)
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        elif answer is not None:
            await answer(scope, receive, _with_headers(send))
        else:
            await self._through(scope, receive, _with_headers(send))

    async def _through(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A fault of ours is said to the page, and in full where the server runs."""
        begun = False

        async def sending(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except Exception:
            traceback.print_exc()
            if begun:
                raise
            told = "Something went wrong in Pilotlight itself. Its terminal says more."
            await refusal(500, told)(scope, receive, send)

    def _answer(self, scope: Scope) -> Response | None:
        """A refusal or the exchange of the token; None lets the request through."""
        keys, headers = self._keys, Headers(scope=scope)
        if not keys.is_host(headers.get("host", "")):
            return refusal(
                403,
                "This server does not know itself by that name. Behind a proxy, start it with "
                "--allow-host NAME.",
            )
        origin = headers.get("origin")
        if origin is not None and not keys.is_origin(origin):
            return refusal(403, "This was asked by a page of another site.")
        query = QueryParams(scope["query_string"])
        given = query.get("token", "")
        if scope["method"] == "GET" and secrets.compare_digest(given.encode(), keys.token.encode()):
            return self._exchange(scope, query)
        cookie = cookie_parser(headers.get("cookie", "")).get(keys.cookie, "")
        if not secrets.compare_digest(cookie.encode(), keys.session.encode()):
            told = headers.get("accept", "").startswith("text/html")
            return HTMLResponse(STRANGER, 401) if told else refusal(401, WHO)
        return None

    def _exchange(self, scope: Scope, query: QueryParams) -> Response:
        """To the same address without the token, which nobody will share by accident then."""
        rest = urlencode([(k, v) for k, v in query.multi_items() if k != "token"])
        path = scope["path"].removeprefix(self._keys.root_path)
        where = f"{self._keys.root_path}/{path.lstrip('/')}" + (f"?{rest}" if rest else "")
        answer = RedirectResponse(where, status_code=303)
        answer.set_cookie(
            self._keys.cookie,
            self._keys.session,
            path=f"{self._keys.root_path}/",
            httponly=True,
            samesite="strict",
        )
        return answer


def refusal(status: int, *problems: str) -> JSONResponse:
    """A refusal in words."""
    return JSONResponse({"problems": list(problems)}, status)


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            given = {name.lower() for name, _ in message["headers"]}
            message["headers"] = [
                *message["headers"],
                *(
                    (name.lower().encode(), value.encode())
                    for name, value in HEADERS.items()
                    if name.lower().encode() not in given
                ),
            ]
        await send(message)

    return sending
