//! Kokoro from its ONNX exports: kokoro-onnx's graph and direct PyTorch exports; f32, f16, and dynamically quantised 8 bit.
//!
//! Weights are found through the nodes that use them, because exporters and quantisers rename and merge initializers. A node's
//! path names the module; whatever kept its parameter name (biases, norms, snake's alphas) is taken by that name.

mod quantized;

use super::state_dict::resolve;
use crate::ConvertError;
use crate::onnx::{Graph, NodeProto, attribute_int, in_node, unreadable};
use crate::schema::Schema;
use crate::state_dict::StateDict;
use crate::tensor::{Float, Tensor};
use std::collections::{BTreeMap, HashMap, HashSet};

/// What [`read`] found.
#[derive(Default)]
pub(crate) struct OnnxWeights {
    /// Tensors under upstream names, weight norm not yet folded.
    pub(crate) tensors: StateDict,
    /// Quantisation → number of tensors that were de-quantised from it.
    pub(crate) dequantized: BTreeMap<String, usize>,
    /// Whether any tensor was stored in a 16-bit type.
    pub(crate) half_precision: bool,
}

/// Operators with weights in layouts that are not read.
const UNSUPPORTED: [&str; 8] = [
    "MatMulNBits",
    "MatMulBnb4",
    "DynamicQuantizeMatMul",
    "MatMulIntegerToFloat",
    "QLinearConv",
    "QLinearMatMul",
    "QGemm",
    "QAttention",
];

/// Reads the weights of a Kokoro graph.
///
/// # Errors
/// A weight-bearing node or a float parameter belongs to nothing in `schema`, or a payload is damaged.
pub(crate) fn read(graph: &Graph, schema: &Schema) -> Result<OnnxWeights, ConvertError> {
    let mut reader =
        Reader { graph, schema, sources: HashMap::new(), floats: HashSet::new(), found: OnnxWeights::default() };
    for node in &graph.nodes {
        reader.float_node(node).map_err(|e| in_node(node, e))?;
    }
    reader.named_parameters()?;
    // Second, because quantisers leave some uses of a shared weight in float, which is the better copy.
    reader.floats = reader.found.tensors.keys().cloned().collect();
    for node in &graph.nodes {
        reader.quantized_node(node).map_err(|e| in_node(node, e))?;
    }
    Ok(reader.found)
}

struct Reader<'a> {
    graph: &'a Graph,
    schema: &'a Schema,
    /// Tensor name → the initializer it was read from, so that ALBERT's layer, used twelve times, is decoded once.
    sources: HashMap<String, &'a str>,
    /// Tensors that were found in float.
    floats: HashSet<String>,
    found: OnnxWeights,
}

impl<'a> Reader<'a> {
    fn float_node(&mut self, node: &'a NodeProto) -> Result<(), ConvertError> {
        match (&*node.op_type, &*node.input) {
            ("Conv" | "FusedConv" | "ConvTranspose", [_, weight, ..]) => self.float_weight(node, weight, false),
            ("MatMul", [_, weight]) => self.float_weight(node, weight, true),
            ("Gemm" | "FusedGemm", [_, weight, ..]) => {
                self.float_weight(node, weight, attribute_int(node, "transB", 0) == 0)
            }
            ("LSTM", [_, w, r, b, ..]) => self.lstm(node, [w, r], b),
            (op, _) if UNSUPPORTED.contains(&op) => {
                let reason = format!(
                    "keeps its weights in a way ({op}) that is not supported; convert the fp32, fp16 or int8 export"
                );
                Err(unreadable(node, reason))
            }
            _ => Ok(()),
        }
    }

    fn float_weight(&mut self, node: &NodeProto, weight: &'a str, transpose: bool) -> Result<(), ConvertError> {
        let Some(name) = self.claim(node, ".weight", weight)? else { return Ok(()) };
        let Some(tensor) = self.float(weight)? else { return Err(unreadable(node, "has a weight that is not float")) };
        let tensor = if transpose { matrix(node, tensor.transposed())? } else { tensor };
        self.put(name, tensor)
    }

    fn lstm(&mut self, node: &NodeProto, weights: [&'a str; 2], bias: &str) -> Result<(), ConvertError> {
        for (weight, part) in weights.into_iter().zip(["weight_ih", "weight_hh"]) {
            let Some(tensor) = self.float(weight)? else { return Err(unreadable(node, "computes its weights")) };
            for direction in 0..2 {
                self.put_gates(node, part, direction, tensor.slice(direction))?;
            }
        }
        self.lstm_bias(node, bias)
    }

    /// `B` is `[2, 8H]`: the input's bias, then the state's.
    fn lstm_bias(&mut self, node: &NodeProto, bias: &str) -> Result<(), ConvertError> {
        let bias = self.float(bias)?;
        for direction in 0..2 {
            let both = bias.as_ref().and_then(|b| b.slice(direction)).unwrap_or_default().data;
            let (input, state) = both.split_at(both.len() / 2);
            for (half, part) in [(input, "bias_ih"), (state, "bias_hh")] {
                let half = Tensor { shape: vec![half.len()], data: half.to_vec() };
                self.put_gates(node, part, direction, Some(half))?;
            }
        }
        Ok(())
    }

    /// Stores one direction's weight or bias, its gates reordered from ONNX's input, output, forget, cell to torch's input,
    /// forget, cell, output.
    fn put_gates(
        &mut self,
        node: &NodeProto,
        part: &str,
        direction: usize,
        tensor: Option<Tensor>,
    ) -> Result<(), ConvertError> {
        let Some(mut tensor) = tensor.filter(|t| t.shape.first().is_some_and(|&rows| rows > 0 && rows % 4 == 0)) else {
            return Err(unreadable(node, "does not have four gates in each of two directions"));
        };
        let gate = tensor.data.len() / 4;
        tensor.data[gate..].rotate_left(gate);
        let suffix = format!(".{part}_l0{}", ["", "_reverse"][direction]);
        let name = self.module(node, &suffix)?;
        self.put(name, tensor)
    }

    /// Everything that kept its parameter name, unless a node has shown what it is.
    fn named_parameters(&mut self) -> Result<(), ConvertError> {
        let read: HashSet<&str> = self.sources.values().copied().collect();
        for value in self.graph.float_values() {
            let is_parameter = value.contains('.') && !value.contains(['/', ':']) && !value.contains("stft");
            if !is_parameter || value.ends_with("_scale") {
                continue;
            }
            let source = self.graph.initializer_name(value).unwrap_or(value);
            let components: Vec<&str> = value.split('.').collect();
            let name = match resolve(self.schema, &components, "") {
                Some(name) if self.sources.get(&name) == Some(&source) => continue,
                Some(name) => name,
                None if read.contains(source) => continue,
                None => return Err(ConvertError::Extra { name: value.into(), count: 1 }),
            };
            if let Some(tensor) = self.float(value)? {
                self.put(name, tensor)?;
            }
        }
        Ok(())
    }

    /// The name of the parameter that `node` has in `weight`, or `None` when there is nothing to read: `weight` is computed at
    /// run time, belongs to the STFT (a constant of the algorithm), or has been read already.
    fn claim(&mut self, node: &NodeProto, suffix: &str, weight: &'a str) -> Result<Option<String>, ConvertError> {
        let Some(source) = self.graph.initializer_name(weight) else { return Ok(None) };
        if node.name.contains("stft") || source.contains("stft") {
            return Ok(None);
        }
        let name = self.module(node, suffix)?;
        let is_new = self.sources.insert(name.clone(), source) != Some(source);
        Ok(is_new.then_some(name))
    }

    /// The schema's name for parameter `suffix` of `node`'s module.
    fn module(&self, node: &NodeProto, suffix: &str) -> Result<String, ConvertError> {
        resolve(self.schema, &module_path(&node.name), suffix)
            .ok_or_else(|| unreadable(node, "has weights but belongs to no module of Kokoro"))
    }

    fn float(&mut self, value: &str) -> Result<Option<Tensor>, ConvertError> {
        self.found.half_precision |= matches!(self.graph.float_type(value), Some(Float::F16 | Float::Bf16));
        self.graph.float(value)
    }

    fn put(&mut self, name: String, tensor: Tensor) -> Result<(), ConvertError> {
        match self.found.tensors.get(&name) {
            Some(known) if *known != tensor => Err(ConvertError::Conflict { name }),
            _ => {
                self.found.tensors.insert(name, tensor);
                Ok(())
            }
        }
    }
}

/// The module path in a node's name, outermost first: `/encoder/text_encoder/cnn.0/cnn.0.0/Conv` is `encoder`, `text_encoder`,
/// `cnn.0.0`. Children of `nn.Sequential` repeat its name, and a module that is called again has its name numbered (`query_7`).
fn module_path(node_name: &str) -> Vec<&str> {
    let mut path: Vec<&str> = Vec::new();
    let Some((modules, _operator)) = node_name.rsplit_once('/') else { return path };
    for part in modules.split('/').filter(|p| !p.is_empty()) {
        let (stem, number) = part.rsplit_once('_').unwrap_or((part, ""));
        let part = if !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()) { stem } else { part };
        match path.last_mut() {
            Some(last) if part.strip_prefix(*last).is_some_and(|rest| rest.starts_with('.')) => *last = part,
            _ => path.push(part),
        }
    }
    path
}

fn matrix(node: &NodeProto, transposed: Option<Tensor>) -> Result<Tensor, ConvertError> {
    transposed.ok_or_else(|| unreadable(node, "has a weight that is not a matrix"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn module_paths_lose_the_operator_repeats_and_call_numbers() {
        assert_eq!(
            module_path("/encoder/text_encoder/cnn.0/cnn.0.0/Conv_quant"),
            ["encoder", "text_encoder", "cnn.0.0"]
        );
        assert_eq!(module_path("/m/bert/attention_3/query_7/MatMul"), ["m", "bert", "attention", "query"]);
        assert_eq!(module_path("/decoder/decoder/asr_res/asr_res.0/Conv"), ["decoder", "decoder", "asr_res.0"]);
        assert_eq!(module_path("Gather_12"), [""; 0]);
    }
}
