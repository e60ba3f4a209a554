//! A graph of 8-bit operators → the same graph of f32 operators with its weights de-quantised: what lumivox computes with such a file's weights.
//!
//! ONNX Runtime's dynamic quantisation rounds activations, too, which would hide every difference below a hundredth. `ConvInteger` becomes `Conv`,
//! `MatMulInteger` `MatMul`, `DynamicQuantizeLSTM` `LSTM`, and the look-ups in 8-bit tables look-ups in f32 ones; every other node stays as it is. This
//! shares no code with the converter, on purpose: each is held against the other.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail, ensure};

use super::constant::Tensor;
use super::wire::{
    GRAPH, GRAPH_OUTPUT, INITIALIZER, NODE, NODE_ATTRIBUTE, NODE_INPUT, NODE_NAME, NODE_OP_TYPE, NODE_OUTPUT, Node,
    VALUE_INFO, fields, first_string, graph_of, node, put_message,
};

/// The graph of f32 operators.
///
/// # Errors
/// If the file is damaged, or quantised in another way than ONNX Runtime's dynamic quantisation.
pub(super) fn dequantized(model: &[u8]) -> Result<Vec<u8>> {
    let graph = Graph::read(graph_of(model)?)?;
    let graph = graph.in_float()?;
    let mut rewritten = Vec::with_capacity(4 * model.len());
    for field in fields(model) {
        let field = field?;
        if field.number == GRAPH {
            put_message(&mut rewritten, GRAPH, &graph);
        } else {
            rewritten.extend(field.whole);
        }
    }
    Ok(rewritten)
}

/// A graph whose nodes can be looked up by their values.
struct Graph<'a> {
    nodes: Vec<(Node, &'a [u8])>,
    producers: BTreeMap<String, usize>,
    consumers: BTreeMap<String, Vec<usize>>,
    initializers: BTreeMap<String, &'a [u8]>,
    outputs: Vec<String>,
    /// All other fields.
    rest: Vec<&'a [u8]>,
}

/// What becomes of the nodes.
#[derive(Default)]
struct Changes {
    /// Node → the message of its float twin, with the values that it reads.
    twins: BTreeMap<usize, (Vec<u8>, Vec<String>)>,
    /// Nodes whose output a twin makes.
    dropped: BTreeSet<usize>,
    /// Messages of new initializers by name.
    weights: BTreeMap<String, Vec<u8>>,
}

impl<'a> Graph<'a> {
    fn read(graph: &'a [u8]) -> Result<Self> {
        let mut read = Self {
            nodes: Vec::new(),
            producers: BTreeMap::new(),
            consumers: BTreeMap::new(),
            initializers: BTreeMap::new(),
            outputs: Vec::new(),
            rest: Vec::new(),
        };
        for field in fields(graph) {
            let field = field?;
            match field.number {
                NODE => {
                    let (node, i) = (node(field.payload)?, read.nodes.len());
                    read.producers.extend(node.outputs.iter().map(|value| (value.clone(), i)));
                    for value in &node.inputs {
                        read.consumers.entry(value.clone()).or_default().push(i);
                    }
                    read.nodes.push((node, field.payload));
                }
                INITIALIZER => _ = read.initializers.insert(Tensor::name(field.payload)?, field.payload),
                VALUE_INFO => {}
                _ => {
                    if field.number == GRAPH_OUTPUT {
                        read.outputs.push(first_string(field.payload)?);
                    }
                    read.rest.push(field.whole);
                }
            }
        }
        Ok(read)
    }

    /// The message of the graph with float operators, without what nothing needs any more.
    fn in_float(&self) -> Result<Vec<u8>> {
        let mut changes = Changes::default();
        for (i, (node, _)) in self.nodes.iter().enumerate() {
            let named = || format!("the node {} ({})", node.name, node.op_type);
            match node.op_type.as_str() {
                "ConvInteger" => self.product(i, "Conv", &mut changes).with_context(named)?,
                "MatMulInteger" => self.product(i, "MatMul", &mut changes).with_context(named)?,
                "DynamicQuantizeLSTM" => self.lstm(i, &mut changes).with_context(named)?,
                "Gather" => self.look_up(i, &mut changes).with_context(named)?,
                _ => {}
            }
        }
        self.write(&changes)
    }

    fn node_of(&self, value: &str) -> Result<&Node> {
        let place = self.producers.get(value).with_context(|| format!("nothing makes {value}"))?;
        Ok(&self.nodes[*place].0)
    }

    fn next(&self, value: &str, op_type: &str) -> Option<usize> {
        self.consumers.get(value)?.iter().copied().find(|i| self.nodes[*i].0.op_type == op_type)
    }

    fn tensor(&self, name: &str) -> Result<Tensor> {
        Tensor::read(self.initializers.get(name).with_context(|| format!("{name} is no constant"))?)
    }

    /// A convolution or product of integers: integers → (sum with the bias) → float → times both scales.
    fn product(&self, i: usize, op_type: &str, changes: &mut Changes) -> Result<()> {
        let (node, message) = &self.nodes[i];
        let [x, weight, _, zero] = &node.inputs[..] else { bail!("has {} inputs", node.inputs.len()) };
        let x = input(self.node_of(x)?, 0)?;
        let (mut value, mut bias) = (output(node)?, None);
        if let Some(add) = self.next(value, "Add") {
            let add = &self.nodes[add].0;
            let other = add.inputs.iter().find(|input| *input != value).context("adds nothing")?;
            // The bias was divided by the scales, rounded and given another shape.
            let mut step = self.node_of(other)?;
            while step.op_type != "Div" {
                step = self.node_of(input(step, 0)?)?;
            }
            bias = Some(input(step, 0)?);
            value = output(add)?;
        }
        let cast = self.next(value, "Cast").context("is followed by no Cast")?;
        let cast = output(&self.nodes[cast].0)?;
        let scaled = self.next(cast, "Mul").context("is followed by no scale")?;
        let (mul, _) = &self.nodes[scaled];
        let scales = mul.inputs.iter().find(|input| *input != cast).context("is scaled by nothing")?;
        let scale = self.node_of(scales)?.inputs.iter().find(|input| self.initializers.contains_key(*input));
        let scale = scale.context("has no constant scale")?;
        let name = format!("{weight}.f32");
        changes.weights.insert(
            name.clone(),
            self.tensor(weight)?.dequantized(&self.tensor(scale)?, &self.tensor(zero)?)?.message(&name),
        );
        let inputs: Vec<&str> = [x, name.as_str()].into_iter().chain(bias).collect();
        changes.twins.insert(i, twin(node, message, op_type, &inputs, &[output(mul)?])?);
        changes.dropped.insert(scaled);
        Ok(())
    }

    /// An LSTM, whose weights are transposed.
    fn lstm(&self, i: usize, changes: &mut Changes) -> Result<()> {
        let (node, message) = &self.nodes[i];
        ensure!(node.inputs.len() >= 12, "has {} inputs", node.inputs.len());
        let mut inputs: Vec<String> = node.inputs[..7].to_vec();
        for (weight, scale) in [(1, 8), (2, 10)] {
            let [q, scale, zero] = [weight, scale, scale + 1].map(|k| self.tensor(&node.inputs[k]));
            // One weight may have several zero points and scales, by the node.
            let name = format!("{}.{weight}.f32", node.name);
            changes.weights.insert(name.clone(), q?.dequantized(&scale?, &zero?)?.transposed()?.message(&name));
            inputs[weight] = name;
        }
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        let outputs: Vec<&str> = node.outputs.iter().map(String::as_str).collect();
        changes.twins.insert(i, twin(node, message, "LSTM", &inputs, &outputs)?);
        Ok(())
    }

    /// A look-up in a table of 8 bits, whose rows are made float afterwards.
    fn look_up(&self, i: usize, changes: &mut Changes) -> Result<()> {
        let (node, message) = &self.nodes[i];
        let Some(after) = self.next(output(node)?, "DequantizeLinear") else { return Ok(()) };
        let (float, _) = &self.nodes[after];
        let [table, rows] = &node.inputs[..] else { bail!("has {} inputs", node.inputs.len()) };
        let (scale, zero) = (self.tensor(input(float, 1)?)?, self.tensor(input(float, 2)?)?);
        let name = format!("{table}.f32");
        changes.weights.insert(name.clone(), self.tensor(table)?.dequantized(&scale, &zero)?.message(&name));
        changes.twins.insert(i, twin(node, message, "Gather", &[&name, rows], &[output(float)?])?);
        changes.dropped.insert(after);
        Ok(())
    }

    fn write(&self, changes: &Changes) -> Result<Vec<u8>> {
        let needed = self.needed(changes);
        let mut graph = Vec::new();
        let mut read = BTreeSet::new();
        for i in needed {
            let (node, message) = &self.nodes[i];
            match changes.twins.get(&i) {
                Some((message, inputs)) => {
                    put_message(&mut graph, NODE, message);
                    read.extend(inputs.iter().map(String::as_str));
                }
                None => {
                    put_message(&mut graph, NODE, message);
                    read.extend(node.inputs.iter().map(String::as_str));
                }
            }
        }
        for (_, message) in self.initializers.iter().filter(|(name, _)| read.contains(name.as_str())) {
            put_message(&mut graph, INITIALIZER, message);
        }
        for message in changes.weights.values() {
            put_message(&mut graph, INITIALIZER, message);
        }
        self.rest.iter().for_each(|field| graph.extend(*field));
        Ok(graph)
    }

    /// The nodes that the outputs need, in the file's order.
    fn needed(&self, changes: &Changes) -> BTreeSet<usize> {
        let mut producers = self.producers.clone();
        for i in &changes.dropped {
            for value in &self.nodes[*i].0.outputs {
                producers.remove(value);
            }
        }
        for (i, (message, _)) in &changes.twins {
            let outputs = node(message).map(|node| node.outputs).unwrap_or_default();
            producers.extend(outputs.into_iter().map(|value| (value, *i)));
        }
        let (mut needed, mut open) = (BTreeSet::new(), self.outputs.clone());
        while let Some(value) = open.pop() {
            let Some(i) = producers.get(&value).copied() else { continue };
            if needed.insert(i) {
                match changes.twins.get(&i) {
                    Some((_, inputs)) => open.extend(inputs.iter().cloned()),
                    None => open.extend(self.nodes[i].0.inputs.iter().cloned()),
                }
            }
        }
        needed
    }
}

fn input(node: &Node, i: usize) -> Result<&str> {
    node.inputs.get(i).map(String::as_str).with_context(|| format!("{} has no input {i}", node.name))
}

fn output(node: &Node) -> Result<&str> {
    node.outputs.first().map(String::as_str).with_context(|| format!("{} has no output", node.name))
}

/// A node with another operator, inputs and outputs, and the attributes of `message`; and the inputs.
fn twin(
    node: &Node,
    message: &[u8],
    op_type: &str,
    inputs: &[&str],
    outputs: &[&str],
) -> Result<(Vec<u8>, Vec<String>)> {
    let mut made = Vec::new();
    inputs.iter().for_each(|value| put_message(&mut made, NODE_INPUT, value.as_bytes()));
    outputs.iter().for_each(|value| put_message(&mut made, NODE_OUTPUT, value.as_bytes()));
    put_message(&mut made, NODE_NAME, node.name.as_bytes());
    put_message(&mut made, NODE_OP_TYPE, op_type.as_bytes());
    for field in fields(message) {
        let field = field?;
        if field.number == NODE_ATTRIBUTE {
            made.extend(field.whole);
        }
    }
    Ok((made, inputs.iter().map(|value| (*value).to_owned()).collect()))
}
