"""kokoro-onnx behind FastAPI, as people serve it: what `tools/serve/load.py` is run against beside lumivox.

    python tools/serve/kokoro_onnx_server.py MODEL.onnx VOICES.bin [--port 8890] [--threads 2]

It needs `pip install -r tools/serve/requirements.txt`. Audio is streamed by kokoro-onnx's own batches (`create_stream`).
"""

import argparse

import numpy as np
import onnxruntime
import uvicorn
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from kokoro_onnx import Kokoro
from pydantic import BaseModel


class Request(BaseModel):
    input: str
    voice: str = "af_alloy"
    speed: float = 1.0


def application(kokoro: Kokoro) -> FastAPI:
    app = FastAPI()

    @app.post("/v1/audio/speech")
    async def speech(request: Request):
        async def pieces():
            voice = {"alloy": "af_alloy"}.get(request.voice, request.voice)
            async for samples, _ in kokoro.create_stream(request.input, voice=voice, speed=request.speed, lang="en-us"):
                yield (np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes()

        return StreamingResponse(pieces(), media_type="audio/pcm")

    return app


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("voices")
    parser.add_argument("--port", type=int, default=8890)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = arguments.threads
    session = onnxruntime.InferenceSession(arguments.model, options, providers=["CPUExecutionProvider"])
    uvicorn.run(application(Kokoro.from_session(session, arguments.voices)), port=arguments.port, log_level="warning")


if __name__ == "__main__":
    main()
