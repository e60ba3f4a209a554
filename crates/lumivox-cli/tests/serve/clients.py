"""Drives a running server with the clients that people have: openai, wyoming, websockets.

    python clients.py http://HOST:PORT HOST:PORT(Wyoming)
"""

import asyncio
import base64
import io
import json
import sys
import wave

import openai
import websockets
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.client import AsyncTcpClient
from wyoming.info import Describe, Info
from wyoming.tts import Synthesize, SynthesizeChunk, SynthesizeStart, SynthesizeStop, SynthesizeStopped, SynthesizeVoice

URL, WYOMING = sys.argv[1], sys.argv[2]
TEXT = "Good morning. The second sentence comes a little later."


def is_speech(pcm: bytes, rate: int, least_s: float, most_s: float) -> None:
    samples = memoryview(pcm).cast("h")
    assert least_s < len(samples) / rate < most_s, len(samples) / rate
    loud = sum(abs(sample) > 1000 for sample in samples)
    assert loud > len(samples) / 20, f"{loud} of {len(samples)} samples are loud"


def with_openai() -> None:
    client = openai.OpenAI(base_url=f"{URL}/v1", api_key="any", max_retries=0)
    ids = [model.id for model in client.models.list()]
    assert "tts-1" in ids and "gpt-4o-mini-tts" in ids and "kokoro-int8" in ids, ids
    assert client.models.retrieve("tts-1").id == "tts-1"

    answer = client.audio.speech.create(model="tts-1", voice="alloy", input=TEXT, response_format="wav")
    with wave.open(io.BytesIO(answer.read())) as wav:
        assert (wav.getframerate(), wav.getnchannels(), wav.getsampwidth()) == (24000, 1, 2)
        whole = wav.readframes(10**9)
    is_speech(whole, 24000, 2, 6)

    with client.audio.speech.with_streaming_response.create(
        model="gpt-4o-mini-tts", voice="alloy", input=TEXT, response_format="pcm", instructions="Cheerfully."
    ) as streamed:
        assert streamed.headers["x-lumivox-ignored"] == "instructions"
        pieces = list(streamed.iter_bytes())
    assert b"".join(pieces) == whole, "streamed is not the same"

    events = client.audio.speech.create(
        model="kokoro-int8", voice="af_bella", input=TEXT, response_format="pcm", speed=1.25, extra_body={"stream_format": "sse", "timestamps": True}
    ).read()
    events = [json.loads(line.removeprefix(b"data: ")) for line in events.split(b"\n\n") if line]
    assert events[-1]["type"] == "speech.audio.done", events[-1]
    words = [word["text"] for event in events if event["type"] == "speech.word.timestamps" for word in event["words"]]
    assert words == ["Good", "morning", "The", "second", "sentence", "comes", "a", "little", "later"], words
    is_speech(b"".join(base64.b64decode(event["audio"]) for event in events if event["type"] == "speech.audio.delta"), 24000, 1.5, 5)

    for fields, kind, code in [
        ({"voice": "nobody"}, openai.NotFoundError, "not_found"),
        ({"model": "tts-9"}, openai.NotFoundError, "not_found"),
        ({"speed": 9}, openai.BadRequestError, "invalid_value"),
        ({"response_format": "ape"}, openai.BadRequestError, "invalid_value"),
        ({"input": "   "}, openai.BadRequestError, "invalid_value"),
    ]:
        try:
            client.audio.speech.create(**{"model": "tts-1", "voice": "alloy", "input": "Hi.", "response_format": "wav", **fields})
        except kind as error:
            assert error.code == code, (fields, error)
        else:
            raise AssertionError(f"{fields} was taken")


async def with_wyoming() -> None:
    host, port = WYOMING.rsplit(":", 1)

    async def heard(client: AsyncTcpClient, last) -> tuple[int, bytes]:
        audio, rate = b"", 0
        while True:
            event = await client.read_event()
            assert event is not None and event.type != "error", event
            if AudioStart.is_type(event.type):
                rate = AudioStart.from_event(event).rate
            elif AudioChunk.is_type(event.type):
                audio += AudioChunk.from_event(event).audio
            elif last.is_type(event.type):
                return rate, audio

    async with AsyncTcpClient(host, int(port)) as client:
        await client.write_event(Describe().event())
        info = Info.from_event(await client.read_event())
        voices = {voice.name: voice for voice in info.tts[0].voices}
        assert voices["af_heart"].languages == ["en_US"] and voices["ff_siwis"].languages == ["fr"] and "piper-joe" in voices, list(voices)
        assert info.tts[0].supports_synthesize_streaming

        await client.write_event(Synthesize(text=TEXT, voice=SynthesizeVoice(name="piper-joe")).event())
        is_speech_of(await heard(client, AudioStop), 22050)
        await client.write_event(Synthesize(text="Bonjour tout le monde.", voice=SynthesizeVoice(language="fr_FR")).event())
        is_speech_of(await heard(client, AudioStop), 24000)

        # As a language model writes it.
        await client.write_event(SynthesizeStart(voice=SynthesizeVoice(name="af_heart")).event())
        for at in range(0, len(TEXT), 7):
            await client.write_event(SynthesizeChunk(text=TEXT[at : at + 7]).event())
        await client.write_event(Synthesize(text=TEXT, voice=SynthesizeVoice(name="af_heart")).event())
        await client.write_event(SynthesizeStop().event())
        is_speech_of(await heard(client, SynthesizeStopped), 24000)

        await client.write_event(Synthesize(text="Hi.", voice=SynthesizeVoice(name="nobody")).event())
        event = await client.read_event()
        assert event.type == "error" and "nobody" in event.data["text"], event
        await client.write_event(Synthesize(text="Still here.", voice=None).event())
        is_speech_of(await heard(client, AudioStop), 24000)


def is_speech_of(heard: tuple[int, bytes], rate: int) -> None:
    assert heard[0] == rate, heard[0]
    is_speech(heard[1], rate, 0.4, 6)


async def with_websocket() -> None:
    address = URL.replace("http", "ws") + "/v1/audio/stream"
    async with websockets.connect(address) as socket:
        await socket.send(json.dumps({"type": "start", "model": "piper-joe", "timestamps": True}))
        await socket.send(json.dumps({"type": "text", "text": "This is the first sentence. And this "}))
        # The first sentence is heard before the second is typed.
        audio, words, started = b"", [], 0
        while not audio:
            message = await asyncio.wait_for(socket.recv(), 60)
            if isinstance(message, bytes):
                audio += message
            else:
                message = json.loads(message)
                words += message.get("words", [])
                started += message["type"] == "started"
        await socket.send(json.dumps({"type": "text", "text": "is the second."}))
        await socket.send(json.dumps({"type": "stop"}))
        async for message in socket:
            if isinstance(message, bytes):
                audio += message
                continue
            message = json.loads(message)
            assert message["type"] in ("started", "words", "done"), message
            words += message.get("words", [])
            started += message["type"] == "started"
        assert started == 2 and [word["text"] for word in words] == "This is the first sentence And this is the second".split(), words
        is_speech(audio, 24000, 2, 8)

    for messages, code in [
        ([{"type": "text", "text": "x"}], "invalid_value"),
        ([{"type": "start", "model": "nothing"}, {"type": "text", "text": "Hello. You there."}], "not_found"),
        (["no JSON"], "invalid_value"),
        ([{"type": "start", "response_format": "ape"}], "invalid_value"),
    ]:
        async with websockets.connect(address) as socket:
            for message in messages:
                await socket.send(message if isinstance(message, str) else json.dumps(message))
            answer = json.loads(await asyncio.wait_for(socket.recv(), 60))
            assert answer["type"] == "error" and answer["error"]["code"] == code, answer


with_openai()
asyncio.run(with_wyoming())
asyncio.run(with_websocket())
print("ok")
