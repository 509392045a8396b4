"""Streams of py-libp2p read to their end."""

from libp2p.network.stream.exceptions import StreamEOF


async def pieces(stream):
    """The stream's bytes up to the other side's FIN."""
    while True:
        try:
            data = await stream.read(65536)
        except StreamEOF:
            return
        if not data:
            return
        yield data


async def read_all(stream):
    return b"".join([data async for data in pieces(stream)])


async def serve_echo(stream):
    """Answers while reading, and closes after the opener has closed."""
    async for data in pieces(stream):
        await stream.write(data)
    await stream.close()
