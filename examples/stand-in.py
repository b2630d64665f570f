#!/usr/bin/env python3
"""Stand-in for the vendors' servers while record.sh records the example.

Listens on every address of the namespace it is started in: HTTPS on port 443,
HTTP on port 80, IPv4 and IPv6.  A request for /NUMBER is answered with that
many random bytes.  A connection to an address given with --reset is read once
(the ClientHello) and then reset, as a filter on the way would do it.
"""

import argparse
import os
import re
import socket
import ssl
import struct
import threading

CHUNK = 16 * 1024


def reset(conn):
    """Take the ClientHello, then close with a reset instead of a FIN."""
    conn.recv(CHUNK)
    conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    conn.close()


def read_head(conn):
    """The head of one HTTP request, or nothing when the client has closed."""
    head = b""
    while b"\r\n\r\n" not in head:
        data = conn.recv(CHUNK)
        if not data:
            return b""
        head += data
    return head


def answer(conn):
    """Serve requests until the client closes.

    The server never closes first: a client that still had our data unread
    when it closed would send a reset, and resets must mean only one thing in
    this recording.
    """
    while head := read_head(conn):
        match = re.match(rb"GET /([0-9]{1,7}) HTTP/1\.1\r\n", head)
        length = int(match.group(1)) if match else 0
        status = b"200 OK" if match else b"404 Not Found"
        conn.sendall(
            b"HTTP/1.1 %s\r\nContent-Type: application/octet-stream\r\n"
            b"Content-Length: %d\r\n\r\n" % (status, length)
        )
        while length > 0:
            part = min(length, CHUNK)
            conn.sendall(os.urandom(part))
            length -= part


def serve(conn, context, resets):
    try:
        if conn.getsockname()[0].removeprefix("::ffff:") in resets:
            reset(conn)
            return
        if context is not None:
            conn = context.wrap_socket(conn, server_side=True)
        with conn:
            answer(conn)
    except OSError as error:  # ssl.SSLError is one of them
        print(f"stand-in: {error}", flush=True)
        conn.close()


def listen(port, context, resets):
    # One socket for both families: IPv4 comes in as ::ffff:a.b.c.d.
    server = socket.create_server(
        ("::", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=16
    )

    def accept():
        while True:
            conn, _ = server.accept()
            threading.Thread(
                target=serve, args=(conn, context, resets), daemon=True
            ).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    return thread


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cert", required=True)
    parser.add_argument("--key", required=True)
    parser.add_argument("--reset", action="append", default=[], metavar="ADDRESS")
    args = parser.parse_args()

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(args.cert, args.key)

    threads = [listen(443, context, args.reset), listen(80, None, args.reset)]
    print("ready", flush=True)
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
