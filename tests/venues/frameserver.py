"""A stream host on loopback whose end of each connection a test holds."""

from __future__ import annotations

import base64
import hashlib
import queue
import socket
import struct
import threading

from venues.fakes import TIMEOUT_S


class Peer:
    """The venue's end of one websocket connection."""

    def __init__(self, connection: socket.socket, path: str) -> None:
        self.path = path
        self._socket = connection

    def text(self, frame: str | bytes) -> None:
        """Send one text frame."""
        self.frame(0x1, frame.encode() if isinstance(frame, str) else frame)

    def frame(self, opcode: int, data: bytes) -> None:
        """Send one frame of any kind."""
        head = bytes([0x80 | opcode])
        length = len(data)
        head += bytes([length]) if length < 126 else b"\x7e" + struct.pack(">H", length)
        self._socket.sendall(head + data)

    def raw(self, data: bytes) -> None:
        """Send bytes that may be no frame."""
        self._socket.sendall(data)

    def read_frame(self) -> tuple[int, bytes]:
        """Return opcode and data of the next frame of the client; (8, b"") at the end."""
        head = self._exactly(2)
        if len(head) < 2:
            return 8, b""
        length = head[1] & 0x7F
        if length == 126:
            length = struct.unpack(">H", self._exactly(2))[0]
        mask = self._exactly(4)
        data = self._exactly(length)
        return head[0] & 0x0F, bytes(byte ^ mask[at % 4] for at, byte in enumerate(data))

    def is_hung_up(self) -> bool:
        """Wait for the client to end the connection."""
        while True:
            opcode, _ = self.read_frame()
            if opcode == 8:
                return True

    def close(self) -> None:
        """End the connection without a word."""
        self._socket.close()

    def _exactly(self, length: int) -> bytes:
        data = b""
        while len(data) < length:
            try:
                piece = self._socket.recv(length - len(data))
            except ConnectionError:
                return b""
            if not piece:
                return b""
            data += piece
        return data


class FrameServer:
    """A venue's stream host on loopback; a test holds the other end of each connection."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self._peers: queue.Queue[Peer] = queue.Queue()
        self._kept: list[socket.socket] = []
        self.refuse_with = 0
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Address of the host."""
        return f"ws://127.0.0.1:{self._server.getsockname()[1]}"

    def accept(self) -> Peer:
        """Return the next connection."""
        return self._peers.get(timeout=TIMEOUT_S)

    def close(self) -> None:
        """Stop serving and drop every connection."""
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join(TIMEOUT_S)
        for each in self._kept:
            each.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            connection.settimeout(TIMEOUT_S)
            self._kept.append(connection)
            request = b""
            while b"\r\n\r\n" not in request:
                request += connection.recv(4096)
            if self.refuse_with:
                connection.sendall(
                    f"HTTP/1.1 {self.refuse_with} No\r\nContent-Length: 0\r\n\r\n".encode()
                )
                connection.close()
                continue
            lines = request.decode().split("\r\n")
            fields = dict(line.lower().split(": ", 1) for line in lines[1:] if ": " in line)
            del fields["sec-websocket-key"]
            key = next(line for line in lines if line.lower().startswith("sec-websocket-key"))
            digest = hashlib.sha1(
                (key.split(": ", 1)[1] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()
            ).digest()
            connection.sendall(
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                b"Connection: Upgrade\r\nSec-WebSocket-Accept: "
                + base64.b64encode(digest)
                + b"\r\n\r\n"
            )
            self._peers.put(Peer(connection, lines[0].split(" ")[1]))
