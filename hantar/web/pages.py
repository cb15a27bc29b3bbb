"""The built pages: files with a hash in their name for ever, the page itself never stale; one page for every address.

Refuses addresses of the API, so that a misspelt one is a 404 and never a page.
"""

from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

FOREVER = "public, max-age=31536000, immutable"
FRESH = "no-cache"
NOT_PAGES = ("/api", "/health", "/ws", "/send", "/app/qr", "/metrics", "/hooks")

NOT_BUILT = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Hantar</title><style>body{font:16px/1.5 system-ui,sans-serif;max-width:40rem;margin:15vh auto;padding:0 1rem}
code{background:#8882;padding:.1em .3em;border-radius:.2em}</style></head>
<body><h1>The pages are not built yet</h1>
<p>The server works, and so does its API. Its pages are missing: run <code>python3 do.py</code> in the source folder,
or install the package again, then reload.</p></body></html>
"""


class Pages:
    """What answers when no route does."""

    def __init__(self, folder: Path | None) -> None:
        self._files = StaticFiles(directory=folder, check_dir=False) if folder else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise HTTPException(404)
        path: str = scope["path"]
        if path != "/api/docs" and any(path == each or path.startswith(f"{each}/") for each in NOT_PAGES):
            raise HTTPException(404)
        if scope["method"] not in ("GET", "HEAD"):
            raise HTTPException(405, headers={"Allow": "GET, HEAD"})
        response = await self._answer(path, scope)
        await response(scope, receive, send)

    async def _answer(self, path: str, scope: Scope) -> Response:
        if path == "/api/docs":
            return await self._page("docs/index.html", scope)
        file = await self._file(path.lstrip("/"), scope) if path != "/" else None
        if file is not None:
            file.headers["Cache-Control"] = FOREVER if path.startswith("/assets/") else FRESH
            return file
        if path.startswith("/assets/") or "." in path.rsplit("/", 1)[-1]:
            raise HTTPException(404)
        return await self._page("index.html", scope)

    async def _page(self, name: str, scope: Scope) -> Response:
        page = await self._file(name, scope) or HTMLResponse(NOT_BUILT, 503)
        page.headers["Cache-Control"] = FRESH
        return page

    async def _file(self, name: str, scope: Scope) -> Response | None:
        """A file of the folder (or 304 when the browser has it); None when there is none, also for tricks with `..`."""
        if self._files is None or "\x00" in name:
            return None
        try:
            return await self._files.get_response(name, scope)
        except HTTPException:
            return None
        except (OSError, ValueError, RuntimeError):
            return None  # a name too long for the file system, or no folder at all
