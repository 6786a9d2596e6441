#!/usr/bin/env python3
"""A TCP proxy that hurts its connections, for runs against networks that fail: what toxiproxy does, seeded.

    fault_proxy.py --upstream HOST:PORT [--listen HOST:PORT] [--seed N] [--share S]

Prints `ready http://ADDRESS:PORT` and serves until it is killed. With probability S a connection gets one of:

    refuse   reset as soon as it is there
    latency  every piece of an answer comes 5 to 40 ms later
    slow     answers come a few bytes at a time
    cut      closed in good order after some bytes of answers, up to 3,000
    reset    the same with a reset
    half     the answers' side closed after some bytes; the other one goes on

`GET /_toxics` at the listening address (a connection of its own) gives how many connections got what, as JSON.
"""
import argparse
import asyncio
import json
import random
import socket
import struct

TOXICS = ("refuse", "latency", "slow", "cut", "reset", "half")
COUNT_REQUEST = b"GET /_toxics "
PIECE = 65536


def reset(writer):
    """Closes with RST: unread data and an orderly end are both thrown away."""
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


class Proxy:
    def __init__(self, upstream, seed, share):
        self.upstream, self.rng, self.share = upstream, random.Random(seed), share
        self.counts = dict.fromkeys(("none", *TOXICS), 0)
        self.running = set()  # the loop itself holds its tasks weakly

    def choose(self):
        toxic = self.rng.choice(TOXICS) if self.rng.random() < self.share else "none"
        self.counts[toxic] += 1
        return toxic

    async def accept(self, reader, writer):
        task = asyncio.current_task()
        self.running.add(task)
        try:
            await self.exchange(reader, writer)
        except OSError:
            pass
        finally:
            self.running.discard(task)

    async def exchange(self, reader, writer):
        first = await reader.read(PIECE)
        if first.startswith(COUNT_REQUEST):
            body = json.dumps(self.counts).encode()
            writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))
            await writer.drain()
            writer.close()
            return
        toxic = self.choose()
        if toxic == "refuse" or not first:
            reset(writer)
            return
        try:
            up_reader, up_writer = await asyncio.open_connection(*self.upstream)
        except OSError:
            reset(writer)
            return
        up_writer.write(first)
        there = asyncio.ensure_future(self.forward(reader, up_writer))
        back = asyncio.ensure_future(self.hurt(toxic, up_reader, writer))
        # Either side's end is the connection's, but a half-closed one goes on in the other direction.
        await asyncio.wait([there, back], return_when=asyncio.ALL_COMPLETED if toxic == "half" else asyncio.FIRST_COMPLETED)
        for task in (there, back):
            task.cancel()
        await asyncio.gather(there, back, return_exceptions=True)
        for one in (up_writer, writer):
            one.close()

    @staticmethod
    async def forward(reader, writer):
        try:
            while piece := await reader.read(PIECE):
                writer.write(piece)
                await writer.drain()
        except OSError:
            pass

    async def hurt(self, toxic, reader, writer):
        left = self.rng.randrange(3000) if toxic in ("cut", "reset", "half") else None
        try:
            while piece := await reader.read(PIECE):
                if toxic == "latency":
                    await asyncio.sleep(self.rng.uniform(0.005, 0.04))
                if toxic == "slow":
                    await self.trickle(piece, writer)
                    continue
                writer.write(piece if left is None else piece[:left])
                await writer.drain()
                if left is not None:
                    left -= min(left, len(piece))
                    if left == 0:
                        break
        except OSError:
            return
        if left == 0 and toxic == "reset":
            reset(writer)
        if left == 0 and toxic == "half" and writer.can_write_eof():
            writer.write_eof()

    async def trickle(self, piece, writer):
        at = 0
        while at < len(piece):
            size = self.rng.randint(1, 60)
            writer.write(piece[at:at + size])
            await writer.drain()
            await asyncio.sleep(0.001)
            at += size


def address(text):
    host, _, port = text.rpartition(":")
    return host, int(port)


async def serve(args):
    proxy = Proxy(address(args.upstream), args.seed, args.share)
    server = await asyncio.start_server(proxy.accept, *address(args.listen))
    host, port = server.sockets[0].getsockname()[:2]
    print(f"ready http://{host}:{port}", flush=True)
    async with server:
        await server.serve_forever()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--upstream", required=True)
    parser.add_argument("--listen", default="127.0.0.1:0")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--share", type=float, default=0.6)
    asyncio.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
