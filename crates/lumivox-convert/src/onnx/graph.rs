//! An ONNX graph with its constants and edges indexed by name.

use super::proto::{GraphProto, ModelProto, NodeProto, TensorProto};
use super::tensor::{decode_float, decode_integer, float_type, payload_bytes};
use crate::ConvertError;
use crate::tensor::{Float, Tensor};
use bytes::Bytes;
use prost::Message;
use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};

/// Longest chain of `Identity`, `Cast` … that is followed from a use to its initializer; exporters write at most two or three.
const MAX_CHAIN: usize = 16;

/// How many times over the bytes of the file may be decoded: nodes share initializers, but each of them makes a tensor.
const MAX_SHARING: usize = 4;

/// A decoded graph. Payloads share the bytes it was decoded from.
pub(crate) struct Graph {
    /// Nodes in file order.
    pub(crate) nodes: Vec<NodeProto>,
    initializers: BTreeMap<String, TensorProto>,
    producers: HashMap<String, usize>,
    consumers: HashMap<String, Vec<usize>>,
    /// Bytes of payload that may yet be decoded.
    budget_bytes: Cell<usize>,
}

impl Graph {
    /// Decodes a `ModelProto`.
    ///
    /// # Errors
    /// The bytes are no ONNX model, or the model has no nodes.
    pub(crate) fn decode(bytes: Bytes) -> Result<Self, ConvertError> {
        let invalid = |reason: String| ConvertError::Onnx { what: "file".into(), reason };
        let budget_bytes = Cell::new(bytes.len().saturating_mul(MAX_SHARING));
        let model = ModelProto::decode(bytes).map_err(|e| invalid(format!("is cut short or no ONNX model: {e}")))?;
        let GraphProto { node: mut nodes, initializer } = model.graph.unwrap_or_default();
        if nodes.is_empty() {
            return Err(invalid("has no graph".into()));
        }
        let mut initializers: BTreeMap<_, _> = initializer.into_iter().map(|t| (t.name.clone(), t)).collect();
        // `Constant` nodes are initializers written another way.
        for node in nodes.iter_mut().filter(|n| n.op_type == "Constant") {
            let value = node.attribute.iter_mut().find(|a| a.name == "value").and_then(|a| a.t.take());
            if let (Some(mut tensor), Some(output)) = (value, node.output.first()) {
                tensor.name.clone_from(output);
                initializers.insert(output.clone(), tensor);
            }
        }
        let (mut producers, mut consumers) = (HashMap::new(), HashMap::<_, Vec<_>>::new());
        for (i, node) in nodes.iter().enumerate() {
            producers.extend(node.output.iter().map(|o| (o.clone(), i)));
            for input in &node.input {
                consumers.entry(input.clone()).or_default().push(i);
            }
        }
        Ok(Self { nodes, initializers, producers, consumers, budget_bytes })
    }

    /// The node that makes `value`.
    pub(crate) fn producer(&self, value: &str) -> Option<&NodeProto> {
        self.producers.get(value).map(|&i| &self.nodes[i])
    }

    /// The nodes that use `value`.
    pub(crate) fn consumers(&self, value: &str) -> impl Iterator<Item = &NodeProto> {
        self.consumers.get(value).into_iter().flatten().map(|&i| &self.nodes[i])
    }

    /// Every value that is floating-point data by itself: initializers, and `Identity` nodes that stand for one (exporters
    /// merge equal parameters that way).
    pub(crate) fn float_values(&self) -> impl Iterator<Item = &str> {
        let identities = self.nodes.iter().filter(|n| n.op_type == "Identity").filter_map(|n| n.output.first());
        self.initializers.keys().chain(identities).map(String::as_str).filter(|v| self.float_type(v).is_some())
    }

    /// The element type behind `value`, when it is floating-point data, through `Identity`, `Cast` and `Transpose`.
    pub(crate) fn float_type(&self, value: &str) -> Option<Float> {
        self.initializer(value).and_then(float_type)
    }

    /// The name of the initializer behind `value`, through `Identity`, `Cast` and `Transpose`.
    pub(crate) fn initializer_name(&self, value: &str) -> Option<&str> {
        self.initializer(value).map(|t| t.name.as_str())
    }

    fn initializer(&self, value: &str) -> Option<&TensorProto> {
        let mut value = value;
        for _ in 0..MAX_CHAIN {
            if let Some(tensor) = self.initializers.get(value) {
                return Some(tensor);
            }
            let node = self.producer(value).filter(|n| matches!(&*n.op_type, "Identity" | "Cast" | "Transpose"))?;
            value = node.input.first()?;
        }
        None
    }

    /// The float data behind `value` as its consumer sees it, or `None` when it is computed at run time.
    ///
    /// # Errors
    /// The payload does not fit its shape, or is of another type.
    pub(crate) fn float(&self, value: &str) -> Result<Option<Tensor>, ConvertError> {
        self.float_within(value, MAX_CHAIN)
    }

    fn float_within(&self, value: &str, depth: usize) -> Result<Option<Tensor>, ConvertError> {
        if let Some(proto) = self.initializers.get(value) {
            if float_type(proto).is_none() {
                return Ok(None);
            }
            self.charge(proto)?;
            return decode_float(proto).map(Some);
        }
        let Some(node) = self.producer(value).filter(|_| depth > 0) else { return Ok(None) };
        let Some(input) = node.input.first() else { return Ok(None) };
        match &*node.op_type {
            "Identity" | "Cast" => self.float_within(input, depth - 1),
            "Transpose" => {
                let permutes_matrix = attribute_ints(node, "perm").is_none_or(|p| p == [1, 0]);
                let inner = self.float_within(input, depth - 1)?.filter(|_| permutes_matrix);
                Ok(inner.and_then(|t| t.transposed()))
            }
            _ => Ok(None),
        }
    }

    fn charge(&self, proto: &TensorProto) -> Result<(), ConvertError> {
        let left = self.budget_bytes.get().checked_sub(payload_bytes(proto)).ok_or_else(|| ConvertError::Onnx {
            what: format!("tensor `{}`", proto.name),
            reason: "is used for more tensors than in any model".into(),
        })?;
        self.budget_bytes.set(left);
        Ok(())
    }

    /// The integer data of initializer `value`.
    ///
    /// # Errors
    /// There is no such initializer, its payload does not fit its shape, or it is of another type.
    pub(crate) fn integer(&self, value: &str) -> Result<Tensor<i32>, ConvertError> {
        match self.initializer(value) {
            Some(proto) => {
                self.charge(proto)?;
                decode_integer(proto)
            }
            None => Err(ConvertError::Onnx { what: format!("value `{value}`"), reason: "is not constant".into() }),
        }
    }
}

/// The integer attribute `name` of `node`, `default` when absent.
pub(crate) fn attribute_int(node: &NodeProto, name: &str, default: i64) -> i64 {
    node.attribute.iter().find(|a| a.name == name).map_or(default, |a| a.i)
}

/// The list attribute `name` of `node`.
pub(crate) fn attribute_ints<'a>(node: &'a NodeProto, name: &str) -> Option<&'a [i64]> {
    node.attribute.iter().find(|a| a.name == name).map(|a| &*a.ints)
}

/// An error about `node`.
pub(crate) fn unreadable(node: &NodeProto, reason: impl Into<String>) -> ConvertError {
    ConvertError::Onnx { what: format!("node `{}`", node.name), reason: reason.into() }
}

/// Says which node's constant is at fault, when the error does not yet.
pub(crate) fn in_node(node: &NodeProto, error: ConvertError) -> ConvertError {
    match error {
        ConvertError::Onnx { what, reason } if !what.starts_with("node") => {
            unreadable(node, format!("uses the {what}, which {reason}"))
        }
        other => other,
    }
}
