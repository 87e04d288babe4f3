"""`make demo`: a running Holdfast with made-up customers, in a var folder of its own. Ctrl-C stops it."""

import argparse
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VAR = Path(os.environ.get("HOLDFAST_VAR") or ROOT / "var" / "demo")
MANAGE = [sys.executable, str(ROOT / "manage.py")]
READY = "Holdfast is ready at"


class Failed(Exception):
    """A step that did not work, with what to do."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reset", action="store_true", help="throw the demo's data away first")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    environment = _environment()
    try:
        _check_port(int(environment["PORT"]))
        if arguments.reset:
            _reset()
        with _database(environment):
            _prepare(environment)
            return _serve(environment)
    except Failed as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _environment() -> dict[str, str]:
    """The demo talks to its own var folder, and its webhooks may reach the receiver on this machine."""
    port = os.environ.get("PORT") or "8000"
    if not port.isascii() or not port.isdigit() or not 1 <= int(port) <= 65535:
        raise SystemExit(f"demo: PORT is {port!r}: set it to a whole number from 1 to 65535")
    return {
        **os.environ,
        "HOLDFAST_VAR": str(VAR),
        "PORT": port,
        "HOLDFAST_OUTBOUND_ALLOWED_NETWORKS": "127.0.0.0/8",
        "HOLDFAST_LOG_FORMAT": os.environ.get("HOLDFAST_LOG_FORMAT") or "line",
        "PYTHONUNBUFFERED": "1",
    }


def _check_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise Failed(
                f"port {port} is taken ({error.strerror}). Choose another: PORT=8001 make demo"
            ) from error


def _reset() -> None:
    sys.path.insert(0, str(ROOT))
    from config import embedded

    embedded.discard(VAR)
    shutil.rmtree(VAR, ignore_errors=True)


@contextmanager
def _database(environment: dict[str, str]) -> Iterator[None]:
    """Keep the embedded server up over all steps; each would otherwise start and stop it."""
    if environment.get("DATABASE_URL"):
        yield
        return
    sys.path.insert(0, str(ROOT))
    from config import embedded

    try:
        server = embedded.ensure_running(VAR)
    except embedded.EmbeddedError as error:
        raise Failed(str(error)) from error
    try:
        yield
    finally:
        embedded.stop_if_idle(server)


def _prepare(environment: dict[str, str]) -> None:
    """Tables, static files, and on the first start the customers; a second start finds all of it there."""
    _step("tables", [*MANAGE, "migrate", "-v", "0"], environment)
    _step("static files", [*MANAGE, "collectstatic", "--noinput", "-v", "0"], environment)
    _step("customers", [*MANAGE, "demo_data"], environment)


def _step(name: str, command: list[str], environment: dict[str, str]) -> None:
    print(f"demo: {name}", file=sys.stderr, flush=True)
    done = subprocess.run(command, env=environment, cwd=ROOT, check=False)
    if done.returncode:
        raise Failed(
            f"the step “{name}” failed (its message is above). Mend it and run make demo again; "
            "make demo-reset starts from nothing."
        )


def _serve(environment: dict[str, str]) -> int:
    """The receiver of the demo's webhooks beside the server; both end with this process."""
    receiver = subprocess.Popen([sys.executable, str(ROOT / "scripts" / "demo_receiver.py")], env=environment)
    server = subprocess.Popen(
        [*MANAGE, "serve"], env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    threading.Thread(target=_pass_on, args=(server,), daemon=True).start()
    try:
        return server.wait()
    except KeyboardInterrupt:
        server.send_signal(signal.SIGTERM)
        return server.wait()
    finally:
        receiver.terminate()
        receiver.wait()


def _pass_on(server: "subprocess.Popen[str]") -> None:
    """Print what the server prints; after its ready line, who may sign in."""
    assert server.stdout is not None
    for line in server.stdout:
        print(line, end="", flush=True)
        if line.startswith(READY):
            print((VAR / "demo_people.txt").read_text(), end="", flush=True)


if __name__ == "__main__":
    sys.exit(main())
