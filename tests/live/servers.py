"""The servers that real clients of the live tests speak to: HTTP, HTTPS, a proxy that takes CONNECT, mail with STARTTLS.

usage: servers.py CERTIFICATE KEY

Says "ready" on standard output once every port is open. It lives in a network namespace of its own, and whatever the
proxy is asked for it fetches from this machine.
"""

import select
import socket
import socketserver
import ssl
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# More than the daemon's threshold of a transfer.
LARGE = b"update\n" * 8192


class Pages(BaseHTTPRequestHandler):
    """Answers every GET: /large gives enough to count as a transfer, /N that many bytes, /N/S that many in each of S
    seconds. A connection stays open."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self):
        asked, _, seconds = self.path[1:].partition("/")
        body = LARGE if asked == "large" else b"x" * int(asked) if asked.isdigit() else b"hello\n"
        times = int(seconds or 1)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body) * times))
        self.end_headers()
        self.wfile.write(body)
        for _ in range(times - 1):
            time.sleep(1)
            self.wfile.write(body)


class Proxy(BaseHTTPRequestHandler):
    """Opens a tunnel for every CONNECT and passes bytes on until one side ends."""

    protocol_version = "HTTP/1.1"

    def do_CONNECT(self):
        port = int(self.path.rsplit(":", 1)[1])
        with socket.create_connection(("127.0.0.1", port)) as server:
            self.send_response(200, "Connection established")
            self.end_headers()
            other = {self.connection: server, server: self.connection}
            while True:
                for side in select.select(list(other), [], [])[0]:
                    data = side.recv(65536)
                    if not data:
                        self.close_connection = True
                        return
                    other[side].sendall(data)


class Mail(socketserver.StreamRequestHandler):
    """Greets, offers STARTTLS, and after it reads until the client goes."""

    def handle(self):
        self.wfile.write(b"220 mail ESMTP\r\n")
        for line in self.rfile:
            if line.upper().startswith(b"STARTTLS"):
                self.wfile.write(b"220 go ahead\r\n")
                with self.server.tls.wrap_socket(self.connection, server_side=True) as inner:
                    while inner.recv(4096):
                        pass
                return
            self.wfile.write(b"250-mail\r\n250 STARTTLS\r\n")


class Web(ThreadingHTTPServer):
    """Over both families, where the machine has both."""

    address_family = socket.AF_INET6 if socket.has_dualstack_ipv6() else socket.AF_INET


class Threads(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


def main():
    certificate, key = sys.argv[1:]
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)

    web = Web(("", 80), Pages)
    secure = Web(("", 443), Pages)
    # The handshake waits for the connection's own thread.
    secure.socket = tls.wrap_socket(secure.socket, server_side=True, do_handshake_on_connect=False)
    proxy = ThreadingHTTPServer(("0.0.0.0", 3128), Proxy)
    mail = Threads(("0.0.0.0", 25), Mail)
    mail.tls = tls

    threads = [threading.Thread(target=server.serve_forever) for server in (web, secure, proxy, mail)]
    for thread in threads:
        thread.start()
    print("ready", flush=True)
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
