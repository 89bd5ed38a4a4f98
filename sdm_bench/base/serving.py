"""What the program's small web servers share: headers, and patience with clients, within limits."""

import socket
import sys
from contextlib import suppress
from http.server import ThreadingHTTPServer
from typing import Any

# Of every reply, besides its own policy: nothing is framed, guessed, kept or told elsewhere.
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
# Of a client that was answered: seconds without a byte, and pieces of 64 KiB, until it is hung up on.
LINGER, MOST_READ = 1, 16


class PatientServer(ThreadingHTTPServer):
    """A thread a client; those that go away are no error, and those that were refused get their reply."""

    daemon_threads = True

    def shutdown_request(self, request: Any) -> None:
        """Takes what a refused client still sends, within limits: closing at once would cut its reply off."""
        with suppress(OSError):
            request.shutdown(socket.SHUT_WR)
            request.settimeout(LINGER)
            for _ in range(MOST_READ):
                if not request.recv(1 << 16):
                    break
        self.close_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no error."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)
