//! Kokoro graphs as exporters write them, reduced to the nodes that have weights.

use super::{Weights, transpose};
use half::f16;

/// How a graph keeps its weights.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Precision {
    F32,
    F16,
    /// ONNX Runtime's dynamic quantisation.
    Int8,
}

/// An exported graph of `weights`. For [`Precision::Int8`], which rounds them, `weights` is set to what the graph really holds.
pub fn export(weights: &mut Weights, precision: Precision) -> Vec<u8> {
    let mut graph = Graph { precision, ..Default::default() };
    let lstms: Vec<String> = weights.keys().filter_map(|n| n.strip_suffix(".weight_ih_l0").map(String::from)).collect();
    lstms.iter().for_each(|module| graph.lstm(module, weights));
    for (name, (shape, data)) in weights.iter_mut().filter(|(n, _)| !n.contains("_l0")) {
        let module = name.trim_end_matches(".weight");
        match shape.len() {
            3 if name.ends_with(".weight") => graph.conv(module, shape, data),
            2 if name.contains("embedding") && name.ends_with("s.weight")
                || name == "text_encoder.embedding.weight" =>
            {
                graph.embedding(name, module, shape, data);
            }
            2 if module.ends_with(".fc") && precision != Precision::Int8 => graph.gemm(name, module, shape, data),
            2 => graph.matmul(module, shape, data),
            _ => drop(graph.float(&parameter(name), shape, data)),
        }
    }
    // The basis of the inverse STFT is a constant of the algorithm.
    let basis = graph.float("decoder.decoder.generator.stft.istft.stft.inverse_basis", &[2, 1, 2], &[1.0; 4]);
    graph.node("ConvTranspose", "/decoder/decoder/generator/istft/stft/ConvTranspose", &["x", &basis], "istft");
    graph.model()
}

/// What kokoro-onnx's exporter calls parameter `name`.
fn parameter(name: &str) -> String {
    let outer = if name.starts_with("decoder.") { "decoder" } else { "encoder" };
    format!("{outer}.{name}")
}

/// The path of `module`'s nodes: the predictor's F0, N and shared modules are called from outside of it, and children of
/// `nn.Sequential` repeat its name.
fn path(module: &str) -> String {
    let outer = if module.starts_with("decoder.") { "/decoder" } else { "/encoder" };
    let called_outside = ["predictor.F0", "predictor.N", "predictor.shared"].iter().any(|p| module.starts_with(p));
    let inner = if called_outside { module.trim_start_matches("predictor.") } else { module };
    let mut path: Vec<String> = Vec::new();
    for part in inner.split('.') {
        let is_index = part.bytes().all(|b| b.is_ascii_digit());
        match path.last_mut() {
            Some(last) if is_index && last.contains('.') => {
                let child = format!("{last}.{part}");
                path.push(child);
            }
            Some(last) if is_index && last == "asr_res" => path.push(format!("asr_res.{part}")),
            Some(last) if is_index => *last = format!("{last}.{part}"),
            _ => path.push(part.to_string()),
        }
    }
    format!("{outer}/{}", path.join("/"))
}

/// A graph that is put together node by node.
pub struct Graph {
    pub precision: Precision,
    nodes: Vec<u8>,
    initializers: Vec<u8>,
    count: usize,
}

impl Default for Graph {
    fn default() -> Self {
        Self { precision: Precision::F32, nodes: Vec::new(), initializers: Vec::new(), count: 0 }
    }
}

impl Graph {
    fn conv(&mut self, module: &str, shape: &[usize], data: &mut [f32]) {
        let transposed = module.contains("pool") || module.contains("ups");
        let operator = if transposed { "ConvTranspose" } else { "Conv" };
        let node = format!("{}/{operator}", path(module));
        if self.precision != Precision::Int8 || transposed {
            let weight = self.anonymous("onnx::Conv");
            self.float(&weight, shape, data);
            return self.node(operator, &node, &["x", &weight], &node);
        }
        let (scale, zero) = (0.03125, 117);
        let q = quantize(data, scale, zero);
        self.quantized_node("ConvInteger", &node, shape, &q, &[scale], &[zero as u8], 2);
    }

    fn matmul(&mut self, module: &str, shape: &[usize], data: &mut [f32]) {
        let node = format!("{}/MatMul", path(module));
        let flipped = [shape[1], shape[0]];
        if self.precision != Precision::Int8 {
            let weight = self.anonymous("onnx::MatMul");
            self.float(&weight, &flipped, &transpose(data, shape[1]));
            // Exporters put shared weights behind `Identity`, and number the second call of a module.
            let again = format!("{weight}_again");
            self.node("Identity", "Identity_1", &[&weight], &again);
            self.node("MatMul", &format!("{}_1/MatMul", path(module)), &["x", &again], "again");
            return self.node("MatMul", &node, &["x", &weight], &node);
        }
        // One scale for each output channel, a row of the weight.
        let scales: Vec<f32> = (0..shape[0]).map(|row| 0.5f32.powi(4 + (row % 3) as i32)).collect();
        let rows = data.chunks_mut(shape[1]).zip(&scales);
        let q: Vec<f32> = rows.flat_map(|(row, &scale)| quantize(row, scale, 0)).map(f32::from).collect();
        let q: Vec<i16> = transpose(&q, shape[1]).into_iter().map(|v| v as i16).collect();
        self.quantized_node("MatMulInteger", &node, &flipped, &q, &scales, &vec![0; shape[0]], 3);
    }

    fn gemm(&mut self, name: &str, module: &str, shape: &[usize], data: &[f32]) {
        let weight = self.float(&parameter(name), shape, data);
        let node = format!("{}/Gemm", path(module));
        let transpose_b = [text(1, "transB"), varint(3, 1)].concat();
        self.node_with("Gemm", &node, &["style", &weight], &node, &transpose_b);
    }

    fn embedding(&mut self, name: &str, module: &str, shape: &[usize], data: &mut [f32]) {
        let node = format!("{}/Gather", path(module));
        if self.precision != Precision::Int8 {
            let table = self.float(&parameter(name), shape, data);
            return self.node("Gather", &node, &[&table, "tokens"], &node);
        }
        let (q, table) = (quantize(data, 0.0625, 0), format!("{}_quantized", parameter(name)));
        self.integers(&table, shape, &q, 3);
        let scale = self.float(&format!("{table}_scale"), &[], &[0.0625]);
        self.integers(&format!("{table}_zero_point"), &[], &[0], 3);
        self.node("Gather", &node, &[&table, "tokens"], &node);
        let inputs = [&*node, &scale, &format!("{table}_zero_point")];
        self.node("DequantizeLinear", &format!("{node}_DequantizeLinear"), &inputs, &format!("{node}_float"));
    }

    /// Both directions of `module`, gates in ONNX's order: input, output, forget, cell.
    fn lstm(&mut self, module: &str, weights: &mut Weights) {
        let mut inputs = vec!["x".to_string()];
        let mut quantization = Vec::new();
        for part in ["weight_ih", "weight_hh"] {
            let (mut floats, mut integers) = (Vec::new(), Vec::new());
            let (mut rows, mut columns) = (0, 0);
            for direction in ["", "_reverse"] {
                let (shape, data) = weights.get_mut(&format!("{module}.{part}_l0{direction}")).unwrap();
                (rows, columns) = (shape[0], shape[1]);
                let q: Vec<f32> = quantize_if(self.precision, data, 0.0625).into_iter().map(f32::from).collect();
                integers.extend(transpose(&to_onnx_gates(&q), columns).into_iter().map(|v| v as i16));
                floats.extend(to_onnx_gates(data));
            }
            let weight = self.anonymous("onnx::LSTM");
            if self.precision == Precision::Int8 {
                self.integers(&weight, &[2, columns, rows], &integers, 3);
                quantization.push(self.float(&format!("{weight}_scale"), &[2], &[0.0625, 0.0625]));
                quantization.push(format!("{weight}_zero_point"));
                self.integers(&format!("{weight}_zero_point"), &[2], &[0, 0], 3);
            } else {
                self.float(&weight, &[2, rows, columns], &floats);
            }
            inputs.push(weight);
        }
        let mut bias = Vec::new();
        for direction in ["", "_reverse"] {
            for part in ["bias_ih", "bias_hh"] {
                bias.extend(to_onnx_gates(&weights[&format!("{module}.{part}_l0{direction}")].1));
            }
        }
        let bias_name = self.anonymous("onnx::LSTM");
        inputs.push(self.float(&bias_name, &[2, bias.len() / 2], &bias));
        let operator = if self.precision == Precision::Int8 { "DynamicQuantizeLSTM" } else { "LSTM" };
        if self.precision == Precision::Int8 {
            inputs.extend(["", "h", "c", ""].map(String::from));
            inputs.extend(quantization);
        }
        let node = format!("{}/LSTM", path(module));
        self.node(operator, &node, &inputs.iter().map(String::as_str).collect::<Vec<_>>(), &node);
    }

    /// The node, and the chain that turns its integers back into floats.
    #[allow(clippy::too_many_arguments)]
    fn quantized_node(
        &mut self,
        operator: &str,
        node: &str,
        shape: &[usize],
        q: &[i16],
        scales: &[f32],
        zeros: &[u8],
        data_type: u64,
    ) {
        let weight = format!("{}_quantized", self.anonymous("onnx::W"));
        let scalar_shape = |n: usize| if n == 1 { vec![] } else { vec![n] };
        self.integers(&weight, shape, q, data_type);
        let zero = format!("{weight}_zero_point");
        self.integers(
            &zero,
            &scalar_shape(zeros.len()),
            &zeros.iter().map(|&z| i16::from(z)).collect::<Vec<_>>(),
            data_type,
        );
        let scale = self.float(&format!("{weight}_scale"), &scalar_shape(scales.len()), scales);
        let [integers, cast, product, floats] = ["int", "cast", "product", "float"].map(|s| format!("{node}_{s}"));
        self.node(operator, node, &["x", &weight, "x_zero", &zero], &integers);
        self.node("Cast", &cast, &[&integers], &cast);
        self.node("Mul", &product, &["x_scale", &scale], &product);
        self.node("Mul", &floats, &[&cast, &product], &floats);
    }

    pub fn anonymous(&mut self, prefix: &str) -> String {
        self.count += 1;
        format!("{prefix}_{}", self.count)
    }

    pub fn float(&mut self, name: &str, shape: &[usize], data: &[f32]) -> String {
        let (data_type, raw) = match self.precision {
            Precision::F16 => (10, data.iter().flat_map(|&v| f16::from_f32(v).to_le_bytes()).collect::<Vec<_>>()),
            Precision::F32 | Precision::Int8 => (1, data.iter().flat_map(|v| v.to_le_bytes()).collect()),
        };
        self.initializer(name, shape, data_type, &raw);
        name.to_string()
    }

    fn integers(&mut self, name: &str, shape: &[usize], q: &[i16], data_type: u64) {
        self.initializer(name, shape, data_type, &q.iter().map(|&v| v as u8).collect::<Vec<_>>());
    }

    fn initializer(&mut self, name: &str, shape: &[usize], data_type: u64, raw: &[u8]) {
        let dims: Vec<u8> = shape.iter().flat_map(|&d| varint(1, d as u64)).collect();
        self.initializers.extend(field(5, &[dims, varint(2, data_type), text(8, name), field(9, raw)].concat()));
    }

    pub fn node(&mut self, operator: &str, name: &str, inputs: &[&str], output: &str) {
        self.node_with(operator, name, inputs, output, &[]);
    }

    pub fn node_with(&mut self, operator: &str, name: &str, inputs: &[&str], output: &str, attribute: &[u8]) {
        let inputs: Vec<u8> = inputs.iter().flat_map(|i| text(1, i)).collect();
        let attribute = if attribute.is_empty() { Vec::new() } else { field(5, attribute) };
        let node = [inputs, text(2, output), text(3, name), text(4, operator), attribute].concat();
        self.nodes.extend(field(1, &node));
    }

    pub fn model(self) -> Vec<u8> {
        [varint(1, 9), text(2, "test"), field(7, &[self.nodes, self.initializers].concat())].concat()
    }
}

/// Rounds `data` to multiples of `scale` in place; the integers, `zero` added.
fn quantize(data: &mut [f32], scale: f32, zero: i16) -> Vec<i16> {
    let quantized = data.iter_mut().map(|v| {
        let q = (*v / scale).round().clamp(-127.0 + f32::from(zero.min(1)) * 10.0, 127.0);
        *v = q * scale;
        q as i16 + zero
    });
    quantized.collect()
}

fn quantize_if(precision: Precision, data: &mut [f32], scale: f32) -> Vec<i16> {
    if precision == Precision::Int8 { quantize(data, scale, 0) } else { vec![0; data.len()] }
}

/// Gate blocks along the first axis: torch's input, forget, cell, output → input, output, forget, cell.
fn to_onnx_gates<T: Copy>(data: &[T]) -> Vec<T> {
    let gates: Vec<&[T]> = data.chunks(data.len() / 4).collect();
    [gates[0], gates[3], gates[1], gates[2]].concat()
}

pub fn varint(tag: u64, value: u64) -> Vec<u8> {
    [raw_varint(tag << 3), raw_varint(value)].concat()
}

fn field(tag: u64, bytes: &[u8]) -> Vec<u8> {
    [&raw_varint(tag << 3 | 2)[..], &raw_varint(bytes.len() as u64), bytes].concat()
}

pub fn text(tag: u64, text: &str) -> Vec<u8> {
    field(tag, text.as_bytes())
}

fn raw_varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}
