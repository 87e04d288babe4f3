"""A receiver of webhooks that misbehaves by script. Its ledger lies outside our tables: tests believe it alone."""

import socket
import struct
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from integrations.services import new_secret


@dataclass(frozen=True)
class Call:
    """One request as it arrived."""

    path: str
    headers: dict
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


@dataclass(frozen=True)
class Answer:
    """What to do with one call. `fault`: hang (never answer), wait (answer when released), drop (take it and reset),
    cut (reset in the middle of the answer), refuse (reset before the request is taken), drip (an endless answer)."""

    status: int = 200
    headers: dict = field(default_factory=dict)
    body: bytes = b"taken"
    fault: str = ""


class Receiver:
    """`script` holds the answers to the next calls; after its end every call is answered 200."""

    def __init__(self) -> None:
        self.secret = new_secret()
        self.calls: list[Call] = []
        self.effects: list[
            str
        ] = []  # ids in the order in which they were first taken: what a careful receiver does
        self.script: list[Answer] = []
        self.released = threading.Event()  # frees those that hang
        self.arrived = threading.Condition()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/hook"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, args=[0.05], daemon=True).start()
        return self

    def __exit__(self, *error):
        self.released.set()
        self._server.shutdown()
        self._server.server_close()

    def answers(self, *answers):
        """Script the next answers: numbers stand for plain statuses."""
        self.script += [Answer(status=each) if isinstance(each, int) else each for each in answers]

    def take(self, call: Call) -> Answer:
        with self.arrived:
            answer = self.script.pop(0) if self.script else Answer()
            self.calls.append(call)
            taken = answer.fault in ("drop", "cut", "hang") or (
                200 <= answer.status < 300 and answer.fault != "refuse"
            )
            if taken and call.id not in self.effects:
                self.effects.append(call.id)
            self.arrived.notify_all()
        return answer

    def wait_for(self, count, seconds=10):
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.calls) >= count, timeout=seconds)


def _handler(receiver):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = receiver.take(Call(self.path, headers, body))
            self.close_connection = True
            if answer.fault in ("hang", "wait"):
                receiver.released.wait(30)
            if answer.fault in ("drop", "refuse"):
                self._reset()
            elif answer.fault == "drip":
                self._drip()
            elif answer.fault != "hang":
                self._answer(answer)

        def _answer(self, answer):
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            longer = 1000 if answer.fault == "cut" else 0
            self.send_header("Content-Length", str(len(answer.body) + longer))
            self.end_headers()
            self.wfile.write(answer.body)
            self.wfile.flush()
            if answer.fault == "cut":
                self._reset()

        def _drip(self):
            """A head that comes one letter at a time: each within any time limit on a single read."""
            for letter in b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 1000:
                self.wfile.write(bytes([letter]))
                self.wfile.flush()
                if receiver.released.wait(0.05):
                    return

        def _reset(self):
            """A hard reset instead of an orderly end."""
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()

        def handle_one_request(self):
            try:
                super().handle_one_request()
            except (OSError, ValueError):
                self.close_connection = True

        def log_message(self, *arguments):
            """Silent."""

    return Handler
