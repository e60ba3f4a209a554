//! Weights of dynamically quantised graphs, as ONNX Runtime's `quantize_dynamic` writes them: 8-bit integers with a scale and a
//! zero point for the whole tensor, for each output channel, or for each direction of an LSTM.

use super::{Reader, matrix};
use crate::ConvertError;
use crate::onnx::{NodeProto, unreadable};
use crate::tensor::Tensor;

/// A de-quantised tensor, and how finely it was quantised.
type Dequantized = (Tensor, &'static str);

impl<'a> Reader<'a> {
    pub(super) fn quantized_node(&mut self, node: &'a NodeProto) -> Result<(), ConvertError> {
        match (&*node.op_type, &*node.input) {
            ("ConvInteger" | "MatMulInteger", [_, weight, _, zero]) => self.quantized_weight(node, weight, zero),
            ("DynamicQuantizeLSTM", [_, _, _, _, _, _, _, _, _, _, _, _]) => self.quantized_lstm(node),
            ("ConvInteger" | "MatMulInteger" | "DynamicQuantizeLSTM", _) => {
                Err(unreadable(node, "lacks its zero points"))
            }
            ("Gather", [table, _]) => self.quantized_embedding(node, table),
            _ => Ok(()),
        }
    }

    fn quantized_weight(&mut self, node: &'a NodeProto, weight: &'a str, zero: &str) -> Result<(), ConvertError> {
        let Some(name) = self.claim_quantized(node, weight)? else { return Ok(()) };
        let is_matrix = node.op_type == "MatMulInteger";
        let scale = self.weight_scale(node)?;
        // Output channels: the columns of a matrix, the first axis of a convolution.
        let axis = usize::from(is_matrix);
        let (tensor, grain) = dequantize(node, &self.graph.integer(weight)?, &self.graph.integer(zero)?, &scale, axis)?;
        let tensor = if is_matrix { matrix(node, tensor.transposed())? } else { tensor };
        self.count(node, grain);
        self.put(name, tensor)
    }

    fn quantized_embedding(&mut self, node: &'a NodeProto, table: &'a str) -> Result<(), ConvertError> {
        let Some((user, _)) = self.follow(node, &["Transpose"], "DequantizeLinear") else { return Ok(()) };
        let [_, scale, zero] = &*user.input else { return Err(unreadable(node, "lacks its zero point")) };
        let Some(name) = self.claim_quantized(node, table)? else { return Ok(()) };
        let scale = self.graph.float(scale)?.unwrap_or_default();
        let (tensor, grain) = dequantize(node, &self.graph.integer(table)?, &self.graph.integer(zero)?, &scale, 0)?;
        self.count(node, grain);
        self.put(name, tensor)
    }

    /// Inputs of `com.microsoft.DynamicQuantizeLSTM`: X, W, R, B, …, and from 8 on W scale, W zero point, R scale, R zero point.
    fn quantized_lstm(&mut self, node: &'a NodeProto) -> Result<(), ConvertError> {
        for (weight, scale, part) in [(1, 8, "weight_ih"), (2, 10, "weight_hh")] {
            let (weights, zeros) =
                (self.graph.integer(&node.input[weight])?, self.graph.integer(&node.input[scale + 1])?);
            let scales = self.graph.float(&node.input[scale])?.unwrap_or_default();
            for direction in 0..2 {
                let parts = (weights.slice(direction), zeros.slice(direction), scales.slice(direction));
                let (Some(w), Some(z), Some(s)) = parts else { return Err(unreadable(node, "is not bidirectional")) };
                // W is [in, 4H] and R is [H, 4H] here, transposed against the float operator.
                let (tensor, grain) = dequantize(node, &w, &z, &s, 1)?;
                self.put_gates(node, part, direction, tensor.transposed())?;
                self.count(node, if s.data.len() == 1 { "per direction" } else { grain });
            }
        }
        self.lstm_bias(node, &node.input[3])
    }

    /// As [`Reader::claim`], and `None` too when the weight was found in float.
    fn claim_quantized(&mut self, node: &NodeProto, weight: &'a str) -> Result<Option<String>, ConvertError> {
        Ok(self.claim(node, ".weight", weight)?.filter(|name| !self.floats.contains(name)))
    }

    /// The weight's factor of the product that turns `node`'s integers back into floats: `integers → (Add bias) → Cast →
    /// Mul(·, Mul(activation scale, weight scale))`.
    fn weight_scale(&self, node: &'a NodeProto) -> Result<Tensor, ConvertError> {
        if let Some((product, integers)) = self.follow(node, &["Add", "Cast"], "Mul") {
            let scales = product.input.iter().filter(|i| *i != integers).find_map(|i| self.graph.producer(i));
            for input in scales.iter().flat_map(|n| &n.input) {
                if let Some(scale) = self.graph.float(input)? {
                    return Ok(scale);
                }
            }
        }
        Err(unreadable(node, "has no scale for its weight"))
    }

    /// The operator `wanted` that `node`'s output reaches through operators `passing`, and the value by which it reaches it.
    fn follow(&self, node: &'a NodeProto, passing: &[&str], wanted: &str) -> Option<(&'a NodeProto, &'a str)> {
        let mut current = node;
        for _ in 0..4 {
            let output = current.output.first()?;
            if let Some(found) = self.graph.consumers(output).find(|n| n.op_type == wanted) {
                return Some((found, output));
            }
            current = self.graph.consumers(output).find(|n| passing.contains(&&*n.op_type))?;
        }
        None
    }

    fn count(&mut self, node: &NodeProto, grain: &str) {
        *self.found.dequantized.entry(format!("{} (8 bit, {grain})", node.op_type)).or_default() += 1;
    }
}

/// `(q - zero) · scale`, with one zero and scale for the tensor or one for each index of `axis`. Exact but for the one rounding
/// of the product: the difference has at most 9 bits.
fn dequantize(
    node: &NodeProto,
    q: &Tensor<i32>,
    zeros: &Tensor<i32>,
    scales: &Tensor,
    axis: usize,
) -> Result<Dequantized, ConvertError> {
    let (zeros, scales) = (&zeros.data, &scales.data);
    let channels = q.shape.get(axis).copied().unwrap_or(1);
    let fits = |n: usize| n == 1 || (n == channels && n > 0);
    if !fits(zeros.len()) || !fits(scales.len()) {
        let reason = format!("has {} scales and {} zero points for {channels} channels", scales.len(), zeros.len());
        return Err(unreadable(node, reason));
    }
    let inner = q.shape.iter().skip(axis + 1).product::<usize>().max(1);
    let mut data = Vec::with_capacity(q.data.len());
    for (i, run) in q.data.chunks(inner).enumerate() {
        let (zero, scale) = (zeros[i % zeros.len()], scales[i % scales.len()]);
        data.extend(run.iter().map(|v| v.wrapping_sub(zero) as f32 * scale));
    }
    let grain = if scales.len() == 1 { "per tensor" } else { "per channel" };
    Ok((Tensor { shape: q.shape.clone(), data }, grain))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vector<T: Copy>(data: &[T]) -> Tensor<T> {
        Tensor { shape: vec![data.len()], data: data.to_vec() }
    }

    #[test]
    fn dequantizing_follows_the_axis() {
        let q = Tensor { shape: vec![2, 3], data: vec![1, 2, 3, 4, 5, 6] };
        let run = |zeros: &[i32], scales: &[f32], axis| {
            dequantize(&NodeProto::default(), &q, &vector(zeros), &vector(scales), axis).map(|(t, _)| t.data)
        };
        assert_eq!(run(&[1], &[2.0], 0).unwrap(), [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]);
        assert_eq!(run(&[0], &[1.0, 10.0], 0).unwrap(), [1.0, 2.0, 3.0, 40.0, 50.0, 60.0]);
        assert_eq!(run(&[0], &[1.0, 10.0, 100.0], 1).unwrap(), [1.0, 20.0, 300.0, 4.0, 50.0, 600.0]);
        assert!(run(&[0], &[1.0, 10.0], 1).is_err());
        assert!(run(&[], &[1.0], 1).is_err());
    }
}
