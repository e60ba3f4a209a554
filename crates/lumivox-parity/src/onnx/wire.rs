//! Rewriting ONNX files on the level of protobuf's wire format, so that whatever is in them stays as it is but for what is asked: inner values as outputs,
//! and inner values as inputs.
//!
//! Field numbers are those of the ONNX specification (<https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3>).

use anyhow::{Context, Result, bail, ensure};

/// `ModelProto.graph`
pub(super) const GRAPH: u64 = 7;
/// `GraphProto.node`, `.input`, `.output`, `.value_info`
pub(super) const NODE: u64 = 1;
const GRAPH_INPUT: u64 = 11;
pub(super) const GRAPH_OUTPUT: u64 = 12;
pub(super) const VALUE_INFO: u64 = 13;
/// `GraphProto.initializer`
pub(super) const INITIALIZER: u64 = 5;
/// `NodeProto.attribute`
pub(super) const NODE_ATTRIBUTE: u64 = 5;
/// `NodeProto.input`, `.output`, `.name`, `.op_type`
pub(super) const NODE_INPUT: u64 = 1;
pub(super) const NODE_OUTPUT: u64 = 2;
pub(super) const NODE_NAME: u64 = 3;
pub(super) const NODE_OP_TYPE: u64 = 4;
/// `TensorProto.DataType.FLOAT`
pub(super) const FLOAT: u64 = 1;
/// The wire type of strings, bytes and messages.
const LENGTH_DELIMITED: u64 = 2;

/// A node of a graph, without its attributes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Node {
    /// Its operator.
    pub op_type: String,
    /// Its name, which exporters make of the module's path.
    pub name: String,
    /// Values that it reads.
    pub inputs: Vec<String>,
    /// Values that it makes.
    pub outputs: Vec<String>,
}

/// What a graph has.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    /// Its nodes.
    pub nodes: Vec<Node>,
    /// Names of its inputs.
    pub inputs: Vec<String>,
    /// Names of its outputs.
    pub outputs: Vec<String>,
}

impl Graph {
    /// Reads an ONNX file's graph.
    ///
    /// # Errors
    /// If it is none, or damaged.
    pub fn read(model: &[u8]) -> Result<Self> {
        let mut graph = Self::default();
        for field in fields(graph_of(model)?) {
            let field = field?;
            match field.number {
                NODE => graph.nodes.push(node(field.payload)?),
                GRAPH_INPUT => graph.inputs.push(first_string(field.payload)?),
                GRAPH_OUTPUT => graph.outputs.push(first_string(field.payload)?),
                _ => {}
            }
        }
        ensure!(!graph.nodes.is_empty(), "the file has no graph");
        Ok(graph)
    }

    /// Whether a node makes `value`.
    pub fn has(&self, value: &str) -> bool {
        self.producer(value).is_some()
    }

    /// The node that makes `value`.
    pub fn producer(&self, value: &str) -> Option<&Node> {
        self.nodes.iter().find(|node| node.outputs.iter().any(|output| output == value))
    }

    /// The node `name`.
    pub fn node(&self, name: &str) -> Option<&Node> {
        self.nodes.iter().find(|node| node.name == name)
    }

    /// The nodes that read `value`.
    pub fn consumers<'a>(&'a self, value: &'a str) -> impl Iterator<Item = &'a Node> {
        self.nodes.iter().filter(move |node| node.inputs.iter().any(|input| input == value))
    }
}

/// What [`rewrite`] calls the value that the graph itself computes, where `value` has become an input.
pub fn own(value: &str) -> String {
    format!("{value}.own")
}

/// `model` with the values `exposed` as outputs and the values `replaced` as inputs, all of them `f32`. What the graph computes for a replaced value is called
/// [`own`] and can be exposed, too.
///
/// # Errors
/// If the file is no ONNX model.
pub fn rewrite(model: &[u8], exposed: &[String], replaced: &[String]) -> Result<Vec<u8>> {
    let mut rewritten = Vec::with_capacity(model.len() + 4096);
    for field in fields(model) {
        let field = field?;
        if field.number == GRAPH {
            put_message(&mut rewritten, GRAPH, &rewrite_graph(field.payload, exposed, replaced)?);
        } else {
            rewritten.extend(field.whole);
        }
    }
    Ok(rewritten)
}

fn rewrite_graph(graph: &[u8], exposed: &[String], replaced: &[String]) -> Result<Vec<u8>> {
    let mut rewritten = Vec::with_capacity(graph.len() + 4096);
    for field in fields(graph) {
        let field = field?;
        match field.number {
            NODE => put_message(&mut rewritten, NODE, &rewrite_node(field.payload, replaced)?),
            // The runtime infers shapes by itself; those in the file are of the graph as it was.
            VALUE_INFO => {}
            _ => rewritten.extend(field.whole),
        }
    }
    for value in exposed {
        put_message(&mut rewritten, GRAPH_OUTPUT, &float_value(value));
    }
    for value in replaced {
        put_message(&mut rewritten, GRAPH_INPUT, &float_value(value));
    }
    Ok(rewritten)
}

/// The node as it is, but for the names of outputs that are replaced.
fn rewrite_node(node: &[u8], replaced: &[String]) -> Result<Vec<u8>> {
    let mut rewritten = Vec::with_capacity(node.len());
    for field in fields(node) {
        let field = field?;
        match replaced.iter().find(|value| field.number == NODE_OUTPUT && field.payload == value.as_bytes()) {
            Some(value) => put_message(&mut rewritten, NODE_OUTPUT, own(value).as_bytes()),
            None => rewritten.extend(field.whole),
        }
    }
    Ok(rewritten)
}

/// `ValueInfoProto` of an `f32` tensor of any shape.
fn float_value(name: &str) -> Vec<u8> {
    let (mut tensor, mut kind, mut value) = (Vec::new(), Vec::new(), Vec::new());
    put_varint(&mut tensor, 1 << 3);
    put_varint(&mut tensor, FLOAT);
    put_message(&mut kind, 1, &tensor);
    put_message(&mut value, 1, name.as_bytes());
    put_message(&mut value, 2, &kind);
    value
}

pub(super) fn graph_of(model: &[u8]) -> Result<&[u8]> {
    for field in fields(model) {
        let field = field.context("this is no ONNX file, or it is damaged")?;
        if field.number == GRAPH && field.wire_type == LENGTH_DELIMITED {
            return Ok(field.payload);
        }
    }
    bail!("this is no ONNX file: it has no graph")
}

pub(super) fn node(message: &[u8]) -> Result<Node> {
    let mut node = Node::default();
    for field in fields(message) {
        let field = field?;
        let text = || String::from_utf8_lossy(field.payload).into_owned();
        match field.number {
            NODE_INPUT => node.inputs.push(text()),
            NODE_OUTPUT => node.outputs.push(text()),
            NODE_NAME => node.name = text(),
            NODE_OP_TYPE => node.op_type = text(),
            _ => {}
        }
    }
    Ok(node)
}

/// The name in a `ValueInfoProto`.
pub(super) fn first_string(message: &[u8]) -> Result<String> {
    for field in fields(message) {
        let field = field?;
        if field.number == 1 {
            return Ok(String::from_utf8_lossy(field.payload).into_owned());
        }
    }
    bail!("a value of the graph has no name")
}

/// A field of a message: `whole` with its tag, `payload` without tag and length.
pub(super) struct Field<'a> {
    pub(super) number: u64,
    wire_type: u64,
    pub(super) whole: &'a [u8],
    pub(super) payload: &'a [u8],
}

/// The fields of a message, in order; the last one is an error where the message is damaged.
pub(super) fn fields(message: &[u8]) -> impl Iterator<Item = Result<Field<'_>>> {
    let mut rest = Some(message);
    std::iter::from_fn(move || {
        let bytes = rest.take().filter(|bytes| !bytes.is_empty())?;
        Some(field(bytes).map(|(field, after)| {
            rest = Some(after);
            field
        }))
    })
}

fn field(bytes: &[u8]) -> Result<(Field<'_>, &[u8])> {
    let (tag, after_tag) = varint(bytes)?;
    let cut = |at: usize, bytes: &'_ [u8]| -> Result<usize> {
        ensure!(at <= bytes.len(), "the file is cut short");
        Ok(at)
    };
    let (payload, rest) = match tag & 7 {
        0 => {
            let (_, rest) = varint(after_tag)?;
            (&after_tag[..after_tag.len() - rest.len()], rest)
        }
        1 => after_tag.split_at(cut(8, after_tag)?),
        LENGTH_DELIMITED => {
            let (length, bytes) = varint(after_tag)?;
            bytes.split_at(cut(usize::try_from(length)?, bytes)?)
        }
        5 => after_tag.split_at(cut(4, after_tag)?),
        other => bail!("wire type {other} is in no ONNX file"),
    };
    let whole = &bytes[..bytes.len() - rest.len()];
    Ok((Field { number: tag >> 3, wire_type: tag & 7, whole, payload }, rest))
}

pub(super) fn varint(bytes: &[u8]) -> Result<(u64, &[u8])> {
    let mut value = 0u64;
    for (i, byte) in bytes.iter().take(10).enumerate() {
        value |= u64::from(byte & 0x7f).checked_shl(7 * i as u32).unwrap_or(0);
        if byte & 0x80 == 0 {
            return Ok((value, &bytes[i + 1..]));
        }
    }
    bail!("the file is cut short")
}

pub(super) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

pub(super) fn put_message(out: &mut Vec<u8>, number: u64, payload: &[u8]) {
    put_varint(out, number << 3 | LENGTH_DELIMITED);
    put_varint(out, payload.len() as u64);
    out.extend(payload);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A model of one node `Relu: x → y` with an attribute, and an `ir_version`.
    fn model() -> Vec<u8> {
        let (mut node, mut graph, mut model) = (Vec::new(), Vec::new(), Vec::new());
        put_message(&mut node, NODE_INPUT, b"x");
        put_message(&mut node, NODE_OUTPUT, b"y");
        put_message(&mut node, NODE_NAME, b"/relu");
        put_message(&mut node, NODE_OP_TYPE, b"Relu");
        put_message(&mut node, 5, &[7; 300]);
        put_message(&mut graph, NODE, &node);
        put_message(&mut graph, GRAPH_INPUT, &float_value("x"));
        put_message(&mut graph, GRAPH_OUTPUT, &float_value("y"));
        model.extend([0x08, 0x08]);
        put_message(&mut model, GRAPH, &graph);
        model
    }

    #[test]
    fn a_value_becomes_an_input_and_all_else_stays() {
        let model = model();
        assert_eq!(rewrite(&model, &[], &[]).unwrap(), model);
        let changed = rewrite(&model, &[own("y")], &["y".to_owned()]).unwrap();
        let graph = Graph::read(&changed).unwrap();
        assert_eq!(graph.nodes[0].outputs, ["y.own"]);
        assert_eq!(graph.inputs, ["x", "y"]);
        assert_eq!(graph.outputs, ["y", "y.own"]);
        assert_eq!(changed.windows(300).filter(|window| **window == [7; 300]).count(), 1, "the attribute is kept");
    }

    #[test]
    fn damage_is_an_error() {
        let model = model();
        for length in 1..model.len() {
            assert!(Graph::read(&model[..length]).is_err(), "{length} of {} bytes", model.len());
        }
        assert!(Graph::read(b"not a model").is_err());
        assert!(Graph::read(&[0xff; 40]).is_err());
    }
}
