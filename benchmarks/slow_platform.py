"""A platform that takes 50 ms for each score: `python -m benchmarks.slow_platform` prints its address.

It answers without checking anything, so that what is measured is the tool.
"""

from __future__ import annotations

import json
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

SCORE_SECONDS = 0.05


class Platform(BaseHTTPRequestHandler):
    """Tokens, line items, empty results, and slow scores."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        """No line items and no results yet."""
        self._answer([])

    def do_POST(self) -> None:
        """Whatever is sent is taken."""
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        path = urlsplit(self.path).path
        if path == "/token":
            self._answer({"access_token": "token", "token_type": "Bearer", "expires_in": 3600})
        elif path == "/lineitems":
            item = json.loads(body)
            self._answer({**item, "id": f"http://{self.headers['Host']}/lineitems/{item['tag']}"}, 201)
        else:
            time.sleep(SCORE_SECONDS)
            self._answer({"resultUrl": self.path})

    def _answer(self, body: object, status: int = 200) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Measurements are quiet."""


class Server(ThreadingHTTPServer):
    """Threads end with the process."""

    daemon_threads = True
    request_queue_size = 64


def main() -> None:
    """Serve on a free port until killed."""
    with Server(("127.0.0.1", 0), Platform) as server:
        print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
