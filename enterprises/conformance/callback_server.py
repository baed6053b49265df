"""A server that receives a partner's callbacks during a conformance run."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

from config.crypto.http_signatures import verify
from config.crypto.nonces import NonceMemory
from config.errors import SignatureInvalid
from config.strict_json import write_object
from config.times.clock import SystemClock
from enterprises.content import JSON_TYPE
from enterprises.errors import AnswerInvalid
from enterprises.strict_json import read_object


class CallbackServer:
    """Listens at `listen` (host:port) until closed; keeps bodies by batch, and the faults of refused ones."""

    def __init__(self, listen: str, keys: Mapping[str, str], opened: Callable[[str, bytes], bytes]) -> None:
        """Start listening. `opened`: (content type, body) -> the JSON in it; AnswerInvalid if not as agreed."""
        self._keys, self._opened, self._nonces = keys, opened, NonceMemory()
        self._arrived = threading.Condition()
        self.bodies: dict[str, bytes] = {}
        self.faults: list[str] = []
        host, _, port = listen.rpartition(":")
        self._server = make_server(host, int(port), self, threaded=True, request_handler=_Quiet)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()

    def __call__(self, environ: Any, start_response: Any) -> Any:
        """Handle a request, as a WSGI application."""
        return self._take(Request(environ))(environ, start_response)

    def wait(self, batch: str, seconds: float) -> bytes | None:
        """Return the body called back about a batch, waiting for it at most `seconds`; None if none came."""
        with self._arrived:
            self._arrived.wait_for(lambda: batch in self.bodies, seconds)
            return self.bodies.get(batch)

    def _take(self, request: Request) -> Response:
        body, now, seen = request.get_data(), SystemClock().now(), self._nonces.seen
        try:
            verify("POST", request.path, dict(request.headers), body, secrets=self._keys, now=now, seen=seen)
            plain = self._opened(request.headers.get("Content-Type", ""), body)
            batch = str(read_object(plain).get("batch"))
        except (SignatureInvalid, AnswerInvalid) as error:
            self.faults.append(error.detail)
            return Response(status=401 if isinstance(error, SignatureInvalid) else 400)
        with self._arrived:
            self.bodies[batch] = plain
            self._arrived.notify_all()
        return Response(write_object({"batch": batch}), content_type=JSON_TYPE)


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:
        """Do nothing: the run prints a table."""
