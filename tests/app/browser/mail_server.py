"""The mail server of the browser's story: takes every message, slowly, and keeps each in a file.

mail_server.py FOLDER SECONDS prints the port that it listens on.
"""

import asyncio
import pathlib
import sys

from aiosmtpd.smtp import SMTP


class Keeper:
    def __init__(self, folder, seconds):
        self.folder = pathlib.Path(folder)
        self.seconds = float(seconds)
        self.taken = 0

    async def handle_DATA(self, server, session, envelope):
        await asyncio.sleep(self.seconds)
        self.taken += 1
        message = self.folder / f"{self.taken:04}.eml"
        # Under its name only when it is whole.
        part = message.with_suffix(".part")
        part.write_bytes(envelope.content)
        part.rename(message)
        return "250 2.0.0 Taken"


async def main(folder, seconds):
    keeper = Keeper(folder, seconds)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(keeper, hostname="mail.club.example"), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main(*sys.argv[1:]))
