"""Loads a running server with clients, and checks every answer.

    python tools/serve/load.py URL [--seconds 180] [--clients 50] [--models kokoro-int8,piper-joe] [--pid PID] [--record FILE]
    python tools/serve/load.py URL --first-audio 1,4,16,50 [--requests 40]      # only how soon the first audio comes

Each client asks again and again, for a text, model and seed drawn from a few dozen. What comes must be, byte for byte, what came for the same request
when it was alone. A refusal (429) is waited for as the server says, anything else is an error. With --pid the server's memory is watched. The standard library
is all it needs, so that the clients cost little beside the server.
"""

import argparse
import asyncio
import hashlib
import json
import random
import statistics
import time
from urllib.parse import urlsplit

TEXTS = (
    "Yes.",
    "Good morning, and welcome.",
    "The next train to the coast leaves from platform nine in four minutes.",
    "It was late, and the rain that had come up from the sea all week was falling on the old city now.",
    "The sky above the port was the color of television, tuned to a dead channel. It was late, and nobody was about.",
)


class Broken(Exception):
    """An answer that is not what it should be."""


async def ask(server, body: dict, path: str) -> tuple[int, float, bytes, dict]:
    """Status, seconds to the first byte of audio, all of it, and the head."""
    data = json.dumps(body).encode()
    started = time.perf_counter()
    reader, writer = await asyncio.open_connection(server.hostname, server.port)
    try:
        writer.write(f"POST {path} HTTP/1.1\r\nhost: {server.netloc}\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {len(data)}\r\n\r\n".encode() + data)
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
        status, first, audio = int(head[0].split()[1]), 0.0, bytearray()
        if headers.get("transfer-encoding") != "chunked":
            return status, 0.0, await reader.read(), headers
        while True:
            length = int(await reader.readline(), 16)
            chunk = await reader.readexactly(length + 2)
            if not length:
                return status, first, bytes(audio), headers
            # A WAV header is no audio.
            audio += chunk[:-2]
            first = first or (time.perf_counter() - started if len(audio) > 44 else 0.0)
    except (asyncio.IncompleteReadError, ConnectionError, ValueError) as error:
        raise Broken(f"{type(error).__name__} after {time.perf_counter() - started:.1f} s") from error
    finally:
        writer.close()


def resident_mb(pid: int) -> float:
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) / 1024


def p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20)[-1] if len(values) > 1 else values[0]


class Load:
    def __init__(self, arguments):
        self.arguments, self.server = arguments, urlsplit(arguments.url)
        voices = arguments.voices.split(",")
        self.requests = [
            {"model": model, "input": text, "seed": seed, "response_format": "pcm", "voice": voices[seed % len(voices)]}
            for model in arguments.models.split(",") for text in TEXTS for seed in range(2)
        ]
        self.alone, self.firsts, self.memory, self.errors, self.refused, self.done, self.audio_bytes = {}, [], [], [], 0, 0, 0

    async def learn(self):
        """Every request alone."""
        for request in self.requests:
            status, _, audio, _ = await ask(self.server, request, self.arguments.path)
            assert status == 200 and len(audio) > 1000, (status, audio[:200])
            self.alone[json.dumps(request)] = hashlib.sha256(audio).digest()

    async def client(self, number: int, until: float):
        choose = random.Random(number)
        while time.perf_counter() < until:
            request = choose.choice(self.requests)
            try:
                status, first, audio, headers = await ask(self.server, request, self.arguments.path)
            except (Broken, OSError) as error:
                self.errors.append(f"{request['model']}: {error}")
                continue
            if status == 429:
                self.refused += 1
                await asyncio.sleep(float(headers["retry-after"]))
            elif status != 200:
                self.errors.append(f"{status}: {audio[:200]!r}")
            elif hashlib.sha256(audio).digest() != self.alone[json.dumps(request)]:
                self.errors.append(f"another sound: {request}")
            else:
                self.done += 1
                self.audio_bytes += len(audio)
                self.firsts.append(first)

    async def watch(self, until: float):
        while time.perf_counter() < until:
            self.memory.append((time.perf_counter(), resident_mb(self.arguments.pid)))
            await asyncio.sleep(1)

    async def run(self) -> dict:
        await self.learn()
        started = time.perf_counter()
        until = started + self.arguments.seconds
        tasks = [self.client(number, until) for number in range(self.arguments.clients)]
        if self.arguments.pid:
            tasks.append(self.watch(until))
        await asyncio.gather(*tasks)
        took = time.perf_counter() - started
        result = {
            "clients": self.arguments.clients, "seconds": round(took, 1), "answers": self.done, "refused_429": self.refused, "errors": len(self.errors),
            "audio_s_per_s": round(self.audio_bytes / 48000 / took, 2), "first_audio_median_s": round(statistics.median(self.firsts), 3),
            "first_audio_p95_s": round(p95(self.firsts), 3),
        }
        if self.memory:
            # The first third warms up.
            warm = [megabytes for at, megabytes in self.memory if at - started > self.arguments.seconds / 3]
            tenth = max(1, len(warm) // 10)
            result |= {"rss_warm_mb": round(statistics.mean(warm[:tenth])), "rss_end_mb": round(statistics.mean(warm[-tenth:])), "rss_most_mb": round(max(warm))}
        return result

    async def first_audio(self, clients: int) -> dict:
        """How soon clients that ask one request after the other hear something."""
        firsts = []

        async def one(number: int, count: int):
            choose = random.Random(number)
            for _ in range(count):
                status, first, _, headers = await ask(self.server, choose.choice(self.requests), self.arguments.path)
                if status == 200:
                    firsts.append(first)
                else:
                    await asyncio.sleep(float(headers.get("retry-after", 1)))

        await asyncio.gather(*(one(number, max(1, self.arguments.requests // clients)) for number in range(clients)))
        return {"clients": clients, "answers": len(firsts), "first_audio_median_s": round(statistics.median(firsts), 3), "first_audio_p95_s": round(p95(firsts), 3)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("--path", default="/v1/audio/speech")
    parser.add_argument("--seconds", type=float, default=180)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--models", default="kokoro-int8,piper-joe")
    parser.add_argument("--voices", default="alloy")
    parser.add_argument("--pid", type=int)
    parser.add_argument("--first-audio")
    parser.add_argument("--requests", type=int, default=60)
    arguments = parser.parse_args()
    load = Load(arguments)
    if arguments.first_audio:
        for clients in arguments.first_audio.split(","):
            print(json.dumps(asyncio.run(load.first_audio(int(clients)))), flush=True)
        return
    result = asyncio.run(load.run())
    print(json.dumps(result))
    for error in load.errors[:10]:
        print(f"error: {error}")
    flat = not load.memory or result["rss_most_mb"] <= result["rss_warm_mb"] * 1.1
    if load.errors or not flat:
        raise SystemExit("the server did not hold what it must" if load.errors else "memory grew by more than a tenth")


if __name__ == "__main__":
    main()
