"""A QUIC server and a QUIC client for the live tests, both made of aioquic.

usage: quic.py serve CERTIFICATE KEY
       quic.py fetch ADDRESS PORT NAME [large]

The server says "ready" once both ports are open: 443, and 4433 where every client is first sent away with a Retry. The
client says how many bytes it got. With "large" its hello does not fit one datagram, as that of a browser.
"""

import asyncio
import socket
import ssl
import sys

from aioquic.asyncio import connect, serve
from aioquic.quic.configuration import QuicConfiguration

PROTOCOL = "stand-in"
# More than the daemon's threshold of a transfer.
ANSWER = b"update\n" * 8192


def answer(reader, writer):
    async def read_and_answer():
        await reader.read()
        writer.write(ANSWER)
        writer.write_eof()

    task = asyncio.ensure_future(read_and_answer())
    running.add(task)
    task.add_done_callback(running.discard)


# The event loop itself keeps no task alive.
running = set()


async def serve_both(certificate, key):
    settings = QuicConfiguration(is_client=False, alpn_protocols=[PROTOCOL])
    settings.load_cert_chain(certificate, key)
    # Over both families, where the machine has both.
    every = "::" if socket.has_dualstack_ipv6() else "0.0.0.0"
    await serve(every, 443, configuration=settings, stream_handler=answer)
    await serve(every, 4433, configuration=settings, stream_handler=answer, retry=True)
    print("ready", flush=True)
    await asyncio.Event().wait()


async def fetch(address, port, name, large=None):
    settings = QuicConfiguration(
        alpn_protocols=[PROTOCOL],
        server_name=name,
        verify_mode=ssl.CERT_NONE,
        quantum_readiness_test=large is not None,
    )
    async with connect(address, int(port), configuration=settings) as connection:
        reader, writer = await connection.create_stream()
        writer.write(b"GET /\r\n")
        writer.write_eof()
        print(len(await reader.read()), "bytes")


if __name__ == "__main__":
    what, *arguments = sys.argv[1:]
    asyncio.run({"serve": serve_both, "fetch": fetch}[what](*arguments))
