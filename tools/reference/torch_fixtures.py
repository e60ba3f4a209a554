"""Writes the small files by torch.save that lumivox-convert's tests read.

usage: torch_fixtures.py OUTDIR        (needs torch; 2.x was used)
"""

import collections
import pathlib
import sys

import torch

out = pathlib.Path(sys.argv[1])
ramp = torch.arange(12, dtype=torch.float32).reshape(3, 4)
encoder = torch.nn.Linear(2, 3)
with torch.no_grad():
    encoder.weight.copy_(torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]))
    encoder.bias.copy_(torch.tensor([-1.0, 0.0, 1.0]))

torch.save(
    {
        "plain": {"module.f32": ramp, "module.f64": ramp.double(), "module.f16": ramp.half(), "module.bf16": ramp.bfloat16()},
        "views": collections.OrderedDict(transposed=ramp.t(), row=ramp[1], column=ramp[:, 2], scalar=ramp[2, 3]),
        "state": encoder.state_dict(),  # an OrderedDict with a `_metadata` attribute
        "parameter": encoder.bias,
        "ids": torch.arange(5),
        "epoch": 7,
        "rate": 0.5,
        "note": None,
    },
    out / "nested.pth",
)
torch.save(ramp.reshape(3, 1, 4), out / "tensor.pt")
torch.save(ramp, out / "legacy.pth", _use_new_zipfile_serialization=False)
torch.save({"optimizer": torch.optim.SGD, "w": ramp}, out / "code.pth")
