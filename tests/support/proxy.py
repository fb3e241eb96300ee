"""A TCP proxy that goes wrong when told to: holds bytes back, cuts, refuses. And one that does not:
it spreads connections over replicas, as a Service of Kubernetes does."""

from __future__ import annotations

import itertools
import socket
import struct
import threading
from contextlib import suppress

CHUNK = 65536
ACCEPT_S = 0.1
RESET = struct.pack("ii", 1, 0)
WAYS = ("up", "down")


class Proxy:
    """Listens on *port* of this machine and passes everything on to *upstream*.

    ``up`` is what the client says, ``down`` what it is told. Bytes held back are kept: nobody is
    told that they did not arrive, as when a peer has vanished or a firewall has forgotten.
    """

    def __init__(self, upstream: tuple[str, int]) -> None:
        self._upstream = upstream
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(ACCEPT_S)
        self._flowing = {way: threading.Event() for way in WAYS}
        self._left: dict[str, int | None] = dict.fromkeys(WAYS)
        self._open: set[socket.socket] = set()
        self._closing = threading.Event()
        self._refusing = False
        self._threads: list[threading.Thread] = []
        self.port = int(self._listener.getsockname()[1])
        self.connections = 0
        self.release()
        self._start(self._accept)

    def hold(self, *ways: str) -> None:
        """Pass no more bytes in *ways*, on any connection, until `release`."""
        for way in ways or WAYS:
            self._flowing[way].clear()

    def hold_after(self, way: str, length: int) -> None:
        """Hold *way* once *length* more bytes have passed: in the middle of a frame."""
        self._left[way] = length

    def release(self) -> None:
        """Pass everything on again, what was held first."""
        self._left = dict.fromkeys(WAYS)
        for flowing in self._flowing.values():
            flowing.set()

    def refuse(self) -> None:
        """Reset every connection and every new one."""
        self._refusing = True
        self.cut()

    def accept(self) -> None:
        """Take new connections again."""
        self._refusing = False

    def cut(self) -> None:
        """Reset every connection."""
        for each in list(self._open):
            reset(each)

    def close(self) -> None:
        """Reset every connection and listen no more."""
        self._closing.set()
        self.cut()
        self.release()
        for thread in self._threads:
            thread.join(2)
        self._listener.close()

    def _start(self, target, *arguments) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                client, _ = self._listener.accept()
            except TimeoutError:
                continue
            if self._refusing:
                reset(client)
                continue
            self.connections += 1
            self._start(self._connect, client)

    def _connect(self, client: socket.socket) -> None:
        client.settimeout(None)
        try:
            server = self._reach()
        except OSError:
            reset(client)
            return
        self._open |= {client, server}
        self._start(self._pump, client, server, "up")
        self._start(self._pump, server, client, "down")

    def _reach(self) -> socket.socket:
        """A connection to the other side. Raises OSError."""
        return socket.create_connection(self._upstream)

    def _pump(self, source: socket.socket, sink: socket.socket, way: str) -> None:
        with suppress(OSError):
            while data := source.recv(CHUNK):
                self._pass(data, sink, way)
        for each in (source, sink):
            self._open.discard(each)
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        source.close()

    def _pass(self, data: bytes, sink: socket.socket, way: str) -> None:
        left = self._left[way]
        if left is not None:
            sink.sendall(data[:left])
            data, self._left[way] = data[left:], max(0, left - len(data))
            if data:
                self._flowing[way].clear()
        self._flowing[way].wait()
        sink.sendall(data)


class Balancer(Proxy):
    """To several *ports* of this machine in turn; those that refuse are passed over."""

    def __init__(self, *ports: int) -> None:
        self.ports = list(ports)
        self._turn = itertools.count()
        super().__init__(("127.0.0.1", 0))

    def has_connections(self, port: int) -> bool:
        """Whether any connection to *port* is open still."""
        return any(peer_of(each) == port for each in list(self._open))

    def _reach(self) -> socket.socket:
        first, ports = next(self._turn), list(self.ports)
        for number in range(len(ports)):
            with suppress(ConnectionError):
                found = socket.create_connection(
                    ("127.0.0.1", ports[(first + number) % len(ports)])
                )
                found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return found
        raise ConnectionError("nobody is there")


def peer_of(connection: socket.socket) -> int | None:
    """The port on the other side; None when there is none any more."""
    with suppress(OSError):
        return int(connection.getpeername()[1])
    return None


def reset(connection: socket.socket) -> None:
    """End *connection* by an RST."""
    with suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        connection.shutdown(socket.SHUT_RD)
        connection.close()
