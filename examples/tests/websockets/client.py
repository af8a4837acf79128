"""Talks to a WebSocket server that sends back all messages. Prints what works."""

import asyncio
import os
import ssl
import sys

import websockets


async def main(url, certificates=None):
    tls = ssl.create_default_context(cafile=certificates) if certificates else None
    async with websockets.connect(url, ssl=tls, max_size=None, compression=None) as web:
        for message in ["hello", "", "\u00fc\u4e16", b"\x00\xff", b""]:
            await web.send(message)
            assert await web.recv() == message, message
        print("messages")

        large = os.urandom(10_000_000)
        await web.send(large)
        assert await web.recv() == large
        print("large")

        await web.send(["frag", "ment", "", "s"])
        assert await web.recv() == "fragments"
        await web.send([large[:1000], large[1000:3_000_000], large[3_000_000:]])
        assert await web.recv() == large
        print("fragments")

        await asyncio.wait_for(await web.ping(b"there?"), 10)
        print("ping")

        async def send():
            for number in range(2000):
                await web.send(str(number))

        sending = asyncio.ensure_future(send())
        for number in range(2000):
            assert await web.recv() == str(number)
        await sending
        print("many")
    print("closed", web.close_code)


asyncio.run(asyncio.wait_for(main(*sys.argv[1:]), 60))
