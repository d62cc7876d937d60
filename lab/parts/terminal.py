# SPDX-License-Identifier: Apache-2.0
"""The other end of a reverse shell, used as a person would: a key, its echo, the next key."""
import re

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]|\x1b\][^\x07]*\x07")
TIMEOUT_S = 900  # a guard against a hang; no machine is too slow for it


class Terminal:
    def __init__(self, connection):
        self.connection = connection
        self.connection.settimeout(TIMEOUT_S)
        self.sent = ""   # every key, as sent
        self.unread = ""  # what was printed since the last expect

    def _read(self):
        chunk = self.connection.recv(65536)
        if not chunk:
            raise EOFError(f"the shell closed; last printed: {self.unread[-300:]!r}")
        self.unread += chunk.decode(errors="replace")

    def _send(self, keys):
        self.sent += keys
        self.connection.sendall(keys.encode())

    def expect(self, pattern):
        """Waits until what was printed, without escape sequences, matches; returns and forgets it."""
        while True:
            plain = ESCAPES.sub("", self.unread)
            if re.search(pattern, plain):
                self.unread = ""
                return plain
            try:
                self._read()
            except TimeoutError:
                raise EOFError(f"no {pattern!r} in {plain[-300:]!r}") from None

    def type(self, keys, echo=None):
        """Types key by key; each waits for its echo (control keys: for anything). Return does not."""
        for key in keys:
            self._send(key)
            if key == "\r":
                self.unread = ""
                return
            wanted = echo or (key if key.isprintable() else "")
            while not (self.unread and wanted in self.unread):
                self._read()
            self.unread = ""

    def line(self, text):
        """Sends a whole line at once: where nothing echoes."""
        self._send(text + "\n")

    def expect_end(self):
        """Waits until the other side has closed."""
        try:
            while True:
                self._read()
        except (EOFError, ConnectionResetError):
            self.connection.close()
