"""A development tool: takes the demo's webhooks, checks their signatures, prints one line each. Not a product."""

import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from standardwebhooks.webhooks import Webhook, WebhookVerificationError


class Receiver(BaseHTTPRequestHandler):
    secret = ""

    def do_POST(self) -> None:  # the name that http.server calls
        body = self.rfile.read(min(int(self.headers.get("Content-Length") or 0), 1_000_000))
        try:
            Webhook(self.secret).verify(body, dict(self.headers.items()))
        except (WebhookVerificationError, ValueError) as error:
            self._answer(401, f"refused: {error}")
            return
        event = json.loads(body)
        self._answer(200, f"took {event.get('type', 'an event')} {self.headers.get('webhook-id', '')}")

    def _answer(self, status: int, what: str) -> None:
        print(f"demo receiver: {what}", file=sys.stderr, flush=True)
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Silent: _answer prints what matters."""


def main() -> None:
    settings = json.loads((Path(os.environ["HOLDFAST_VAR"]) / "demo_receiver.json").read_text())
    Receiver.secret = settings["secret"]
    ThreadingHTTPServer(("127.0.0.1", settings["port"]), Receiver).serve_forever()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(0)
