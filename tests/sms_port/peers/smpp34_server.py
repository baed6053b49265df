"""PyPI's smpp34 (Rust) as an SMSC on loopback: a receipt for each message, and a citizen's TD."""

from __future__ import annotations

import asyncio
import itertools
import socket
from typing import Any

import smpp34


async def serve() -> None:
    """Serve until killed; prints the port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = smpp34.Server(host="127.0.0.1", port=port, system_id="smpp34")
    await server.start()
    print(port, flush=True)
    sessions: dict[str, smpp34.Esme] = {}
    names, kept = itertools.count(1), set[asyncio.Task[object]]()
    while True:
        event = await server.next()
        if isinstance(event, smpp34.Esme):
            sessions[event.session_id] = event
        elif isinstance(event, smpp34.SubmitSmEvent):
            name = f"{next(names):08X}"
            event.accept(message_id=name)
            kept.add(asyncio.create_task(report(sessions[event.session_id], event, name)))


async def report(session: smpp34.Esme, event: smpp34.SubmitSmEvent, name: str) -> None:
    """Deliver a receipt and a text."""
    words = f"id:{name} sub:001 dlvrd:001 submit date:2611221405 done date:2611221405 stat:DELIVRD err:000 text:"
    address: dict[str, Any] = {"source_addr": event.destination_addr, "destination_addr": event.source_addr}
    await session.deliver_sm(short_message=words.encode(), esm_class=4, **address)
    address["source_addr"] = "8613900139000"
    await session.deliver_sm(short_message="TD".encode("utf-16-be"), data_coding=8, **address)


if __name__ == "__main__":
    asyncio.run(serve())
