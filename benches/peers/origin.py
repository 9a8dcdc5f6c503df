#!/usr/bin/env python3
"""The origins that health checks ask, on every address 127.1.REGION.N: `origin.py HTTP_PORT HTTPS_PORT CERT KEY`.

Standard input: `down ADDRESS` makes one answer 503, `up ADDRESS` makes it 200 again.
"""

import asyncio
import ssl
import sys

from data import all_addresses

down = set()


async def serve(reader, writer):
    try:
        await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
        status = b"503 Down" if writer.get_extra_info("sockname")[0] in down else b"200 OK"
        writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
        await writer.drain()
    except (OSError, asyncio.TimeoutError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()


async def commands():
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        word, address = line.decode().split()
        (down.add if word == "down" else down.discard)(address)


async def main(http, https, cert, key):
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(cert, key)
    addresses = all_addresses()
    await asyncio.start_server(serve, addresses, int(http), backlog=256)
    await asyncio.start_server(serve, addresses, int(https), ssl=tls, backlog=256)
    print("ready", flush=True)
    await commands()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
