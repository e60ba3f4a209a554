"""Makes the other kinds of Kokoro checkpoint from the int8 ONNX file, with onnx and torch alone, so that lumivox-convert can be
checked on real weights: a f32 and a f16 graph, and a .pth in the original layout.

usage: kokoro_sources.py INT8.onnx OUTDIR       (needs onnx, onnxruntime, torch; 1.1 GB of disk)

Writes kokoro-int8.onnx (a copy), kokoro-f32.onnx, kokoro-f16.onnx, kokoro.pth. Then:
LUMIVOX_REFERENCE_DIR=OUTDIR cargo test -p lumivox-convert --release -- --ignored
"""

import pathlib
import re
import shutil
import sys

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper
from onnxruntime.transformers.float16 import convert_float_to_float16

SECTIONS = ("bert", "bert_encoder", "predictor", "decoder", "text_encoder")


class Graph:
    """The int8 graph, and the float graph that replaces it."""

    def __init__(self, path):
        self.model = onnx.load(path)
        self.arrays = {t.name: numpy_helper.to_array(t) for t in self.model.graph.initializer}
        self.producer = {o: n for n in self.model.graph.node for o in n.output}
        self.consumers = {}
        for node in self.model.graph.node:
            for value in node.input:
                self.consumers.setdefault(value, []).append(node)
        self.added = set()  # initializers of the float graph; ALBERT's are used twelve times
        self.weights = {}  # parameter name -> float array, in torch's layout
        self.replaced = {}  # name of a quantised node -> its float node
        self.dropped = set()

    def dequantize(self, q, scale, zero):
        q, scale, zero = (self.arrays[n] if isinstance(n, str) else n for n in (q, scale, zero))
        return (q.astype(np.float32) - zero.astype(np.float32)) * scale

    def constant(self, name, array):
        if name in self.added:
            return name
        self.added.add(name)
        self.model.graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(array, np.float32), name))
        return name

    def after(self, value, op):
        return next((n for n in self.consumers.get(value, []) if n.op_type == op), None)

    def float_output(self, node):
        """Follows integers -> (Add bias) -> Cast -> Mul(scales): the float value, the scale's node, the float bias."""
        value, bias = node.output[0], None
        if add := self.after(value, "Add"):
            step = self.producer[next(i for i in add.input if i != value)]
            while step.op_type != "Div":  # the bias was divided by the scales, rounded and reshaped
                step = self.producer[step.input[0]]
            value, bias = add.output[0], step.input[0]
            self.dropped.add(add.name)
        cast = self.after(value, "Cast")
        mul = self.after(cast.output[0], "Mul")
        self.dropped |= {cast.name, mul.name}
        return mul.output[0], self.producer[next(i for i in mul.input if i != cast.output[0])], bias

    def rewrite(self, node):
        if node.op_type in ("ConvInteger", "MatMulInteger"):
            x = self.producer[node.input[0]].input[0]
            output, scales, bias = self.float_output(node)
            scale = next(i for i in scales.input if i in self.arrays)
            weight = self.dequantize(node.input[1], scale, node.input[3])
            op = node.op_type.removesuffix("Integer")
            name = self.constant(node.input[1] + "_f32", weight)
            new = helper.make_node(op, [x, name] + ([bias] if bias else []), [output], name=node.name)
            new.attribute.extend(node.attribute)
            self.weights[module(node.name) + ".weight"] = weight if op == "Conv" else weight.T
        elif node.op_type == "DynamicQuantizeLSTM":
            new = self.lstm(node)
        elif node.op_type == "Gather" and (after := self.after(node.output[0], "DequantizeLinear")):
            weight = self.dequantize(node.input[0], after.input[1], after.input[2])
            table = self.constant(node.input[0].removesuffix("_quantized"), weight)
            new = helper.make_node("Gather", [table, node.input[1]], [after.output[0]], name=node.name, axis=0)
            self.dropped.add(after.name)
            self.weights[module(node.name) + ".weight"] = weight
        else:
            return
        self.replaced[node.name] = new

    def lstm(self, node):
        parts = []
        for index, scale, part in ((1, 8, "weight_ih"), (2, 10, "weight_hh")):
            q, s, z = (self.arrays[node.input[i]] for i in (index, scale, scale + 1))
            both = np.stack([self.dequantize(q[d], s[d], z[d]).T for d in range(2)])
            parts.append(self.constant(f"{node.name}_{part}", both))
            self.lstm_weights(node, part, both)
        bias = self.arrays[node.input[3]]
        half = bias.shape[1] // 2
        self.lstm_weights(node, "bias_ih", bias[:, :half])
        self.lstm_weights(node, "bias_hh", bias[:, half:])
        new = helper.make_node("LSTM", [node.input[0], *parts, *node.input[3:7]], list(node.output), name=node.name)
        new.attribute.extend(node.attribute)
        return new

    def lstm_weights(self, node, part, both):
        for direction, suffix in enumerate(("", "_reverse")):
            i, o, f, c = np.split(both[direction], 4, axis=0)
            self.weights[f"{module(node.name)}.{part}_l0{suffix}"] = np.concatenate([i, f, c, o])

    def to_float(self):
        for node in self.model.graph.node:
            self.rewrite(node)
        for node in self.model.graph.node:  # what was float already
            if node.op_type in ("Conv", "ConvTranspose", "MatMul") and node.input[1] in self.arrays and "stft" not in node.name:
                array = self.arrays[node.input[1]]
                self.weights[module(node.name) + ".weight"] = array.T if node.op_type == "MatMul" else array
        for name, array in self.arrays.items():
            if re.match(r"(encoder|decoder)\.", name) and not re.search(r"_(quantized|scale|zero_point|reshape_shape)$|stft", name):
                self.weights[name.split(".", 1)[1]] = array
        self.prune()

    def prune(self):
        graph = self.model.graph
        nodes = [self.replaced.get(n.name, n) for n in graph.node if n.name in self.replaced or n.name not in self.dropped]
        producer = {o: n for n in nodes for o in n.output}
        order, done = [], set()
        stack = [(producer[o.name], False) for o in graph.output]
        while stack:  # depth first: what the outputs need, in topological order
            node, ready = stack.pop()
            if ready:
                order.append(node)
            elif node.output[0] not in done:
                done.add(node.output[0])
                stack.append((node, True))
                stack += [(producer[i], False) for i in node.input if i in producer]
        used = {i for n in order for i in n.input}
        initializers = [t for t in graph.initializer if t.name in used]
        for field, items in ((graph.node, order), (graph.initializer, initializers), (graph.value_info, [])):
            del field[:]
            field.extend(items)


def module(node_name):
    """'/encoder/text_encoder/cnn.0/cnn.0.0/Conv_quant' -> 'text_encoder.cnn.0.0'"""
    parts = node_name.strip("/").split("/")[1:-1]
    path = []
    for part in parts:
        part = re.sub(r"^(attention|query|key|value|dense|ffn|ffn_output)_\d+$", r"\1", part)
        if path and part.startswith(path[-1] + "."):
            path.pop()
        path.append(part)
    name = ".".join(path)
    return "predictor." + name if re.match(r"(F0|N)\.\d|(F0|N)_proj|shared", name) and not node_name.startswith("/decoder") else name


def checkpoint(weights):
    """The layout of kokoro-v1_0.pth: five state dicts, a `module.` prefix, weight norm over dimension 0 split in two."""
    sections = {s: {} for s in SECTIONS}
    for name, array in sorted(weights.items()):
        section, key = name.split(".", 1)
        tensor, target = torch.from_numpy(np.array(array, np.float32, order="C")), sections[section]
        if tensor.dim() == 3 and name.endswith(".weight") and not re.search(r"_proj|noise_convs", name):
            norm = tensor.reshape(tensor.shape[0], -1).norm(dim=1).reshape(-1, 1, 1)
            target[f"module.{key}_g"] = norm
            target[f"module.{key}_v"] = torch.where(norm == 0, 1.0, tensor)  # 0/0 otherwise
        else:
            target[f"module.{key}"] = tensor
    sections["bert"] |= {"module.pooler.weight": torch.zeros(768, 768), "module.pooler.bias": torch.zeros(768)}
    return sections


def main(source, folder):
    out = pathlib.Path(folder)
    out.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, out / "kokoro-int8.onnx")
    graph = Graph(source)
    graph.to_float()
    onnx.save(graph.model, out / "kokoro-f32.onnx")
    torch.save(checkpoint(graph.weights), out / "kokoro.pth")
    half = convert_float_to_float16(graph.model, keep_io_types=True, disable_shape_infer=True)
    onnx.save(half, out / "kokoro-f16.onnx")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
