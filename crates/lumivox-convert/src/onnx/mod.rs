//! Reading ONNX files: hand-derived protobuf messages, tensor payloads, and a graph whose constants can be looked up.

mod graph;
pub(crate) mod proto;
mod tensor;

pub(crate) use graph::{Graph, attribute_int, attribute_ints, in_node, unreadable};
pub(crate) use proto::NodeProto;
