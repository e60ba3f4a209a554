//! A pickle reader that only knows what `torch.save` writes for tensors, and never runs anything.
//!
//! A pickle is a program for a stack machine; its `REDUCE` calls whatever function the file names. Here the callables are a closed
//! list ([`Callable`]) that make tensors and ordered dictionaries, and every other name is an error. Values live in an arena and
//! refer to each other by index, and what a tensor copies of shared values (its sizes) or its readers do (names) has a limit, so
//! that neither sharing nor nesting in a hostile file costs stack, or more time or memory than the pickle's length times a constant.

use crate::ConvertError;
use crate::tensor::Float;
use std::collections::HashMap;
use std::rc::Rc;

/// Longest name of a tensor, a storage or a function; real ones stay below 100 bytes.
pub(super) const MAX_NAME_BYTES: usize = 1024;

/// Most axes of a tensor; real ones have at most four.
const MAX_AXES: usize = 8;

/// A value of the pickle.
#[derive(Clone, Debug)]
pub(super) enum Value {
    None,
    Bool,
    Int(i64),
    Float,
    Str(Rc<str>),
    Callable(Callable),
    /// An index into [`Pickle::nodes`].
    Node(usize),
    Mark,
}

/// What a pickle may refer to by name.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Callable {
    OrderedDict,
    RebuildTensor,
    RebuildParameter,
    /// A typed storage; `None` for integer types, whose tensors are listed but not read.
    Storage(Option<Float>),
}

/// A compound value.
#[derive(Debug)]
pub(super) enum Node {
    Tuple(Vec<Value>),
    List(Vec<Value>),
    Dict(Vec<(Value, Value)>),
    Storage(Storage),
    Tensor(TensorRef),
}

/// A reference to an entry `data/<key>` of the archive.
#[derive(Clone, Debug)]
pub(super) struct Storage {
    pub(super) float: Option<Float>,
    pub(super) key: Rc<str>,
    pub(super) elements: usize,
}

/// A strided view of a storage; offset and strides count elements.
#[derive(Clone, Debug)]
pub(super) struct TensorRef {
    pub(super) storage: Storage,
    pub(super) offset: usize,
    pub(super) shape: Vec<usize>,
    pub(super) strides: Vec<usize>,
}

/// A decoded pickle: its result and the arena that it refers to.
#[derive(Debug)]
pub(super) struct Pickle {
    pub(super) root: Value,
    pub(super) nodes: Vec<Node>,
}

impl Pickle {
    /// Decodes `bytes`.
    ///
    /// # Errors
    /// The pickle is cut short or malformed, or refers to anything that is not on the list.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, ConvertError> {
        let mut machine = Machine { input: bytes, stack: Vec::new(), memo: HashMap::new(), nodes: Vec::new() };
        let root = machine.run().map_err(|reason| ConvertError::Pth(format!("cannot be read: its pickle {reason}")))?;
        Ok(Self { root, nodes: machine.nodes })
    }
}

struct Machine<'a> {
    input: &'a [u8],
    stack: Vec<Value>,
    memo: HashMap<usize, Value>,
    nodes: Vec<Node>,
}

type Step<T = ()> = Result<T, String>;

impl Machine<'_> {
    fn run(&mut self) -> Step<Value> {
        loop {
            let op = self.byte()?;
            match op {
                b'.' => return self.pop(),
                0x80 => drop(self.take(1)?), // PROTO
                0x95 => drop(self.take(8)?), // FRAME
                b'(' => self.stack.push(Value::Mark),
                b'0' => drop(self.pop()?),
                b'N' => self.stack.push(Value::None),
                0x88 | 0x89 => self.stack.push(Value::Bool),
                b'J' | b'K' | b'M' | 0x8a => self.integer(op)?,
                b'G' => self.float()?,
                b'X' | 0x8c => self.string(op)?,
                b'q' | b'r' | 0x94 | b'h' | b'j' => self.memo(op)?,
                b'c' | 0x93 => self.global(op)?,
                b')' | b't' | 0x85 | 0x86 | 0x87 => self.tuple(op)?,
                b']' => self.push_node(Node::List(Vec::new())),
                b'}' => self.push_node(Node::Dict(Vec::new())),
                b'a' | b'e' | b's' | b'u' => self.fill(op)?,
                b'Q' => self.persistent_id()?,
                b'R' => self.reduce()?,
                b'b' => drop(self.pop()?), // BUILD: attributes of a dictionary (`_metadata`); nothing in them is weights
                _ => return Err(format!("has the operation 0x{op:02x}, which torch.save does not write for tensors")),
            }
        }
    }

    fn take(&mut self, count: usize) -> Step<&[u8]> {
        let (head, rest) = self.input.split_at_checked(count).ok_or("is cut short")?;
        self.input = rest;
        Ok(head)
    }

    fn byte(&mut self) -> Step<u8> {
        self.take(1).map(|b| b[0])
    }

    /// A little-endian unsigned integer of `count` ≤ 8 bytes.
    fn unsigned(&mut self, count: usize) -> Step<usize> {
        let mut bytes = [0; 8];
        bytes[..count].copy_from_slice(self.take(count)?);
        usize::try_from(u64::from_le_bytes(bytes)).map_err(|e| e.to_string())
    }

    fn line(&mut self) -> Step<String> {
        let end = self.input.iter().position(|&b| b == b'\n').ok_or("is cut short")?;
        let line = String::from_utf8_lossy(self.take(end)?).into_owned();
        self.take(1)?;
        Ok(line)
    }

    fn pop(&mut self) -> Step<Value> {
        self.stack.pop().ok_or_else(|| "takes a value from its empty stack".into())
    }

    fn pop_to_mark(&mut self) -> Step<Vec<Value>> {
        let mark = self.stack.iter().rposition(|v| matches!(v, Value::Mark)).ok_or("has no mark")?;
        let values = self.stack.split_off(mark + 1);
        self.stack.pop();
        Ok(values)
    }

    fn push_node(&mut self, node: Node) {
        self.stack.push(Value::Node(self.nodes.len()));
        self.nodes.push(node);
    }

    fn integer(&mut self, op: u8) -> Step {
        let value = match op {
            b'J' => self.unsigned(4)? as u32 as i32 as i64,
            b'K' => self.unsigned(1)? as i64,
            b'M' => self.unsigned(2)? as i64,
            _ => {
                let count = self.unsigned(1)?;
                if count > 8 {
                    return Err("has an integer of more than 64 bits".into());
                }
                let unused_bits = 64 - 8 * count as u32;
                let raw = self.unsigned(count)? as i64;
                if count == 0 { 0 } else { raw << unused_bits >> unused_bits }
            }
        };
        self.stack.push(Value::Int(value));
        Ok(())
    }

    fn float(&mut self) -> Step {
        self.take(8)?;
        self.stack.push(Value::Float);
        Ok(())
    }

    fn string(&mut self, op: u8) -> Step {
        let length = self.unsigned(if op == b'X' { 4 } else { 1 })?;
        let text = std::str::from_utf8(self.take(length)?).map_err(|e| e.to_string())?;
        let text = Value::Str(text.into());
        self.stack.push(text);
        Ok(())
    }

    fn memo(&mut self, op: u8) -> Step {
        let index = match op {
            b'q' | b'h' => self.unsigned(1)?,
            b'r' | b'j' => self.unsigned(4)?,
            _ => self.memo.len(),
        };
        if matches!(op, b'h' | b'j') {
            let value = self.memo.get(&index).ok_or("recalls what it has not stored")?;
            self.stack.push(value.clone());
        } else {
            let value = self.stack.last().ok_or("stores a value from its empty stack")?;
            self.memo.insert(index, value.clone());
        }
        Ok(())
    }

    fn global(&mut self, op: u8) -> Step {
        let (module, name) = if op == b'c' {
            (self.line()?, self.line()?)
        } else {
            match (self.pop()?, self.pop()?) {
                (Value::Str(name), Value::Str(module)) => (module.to_string(), name.to_string()),
                _ => return Err("has a malformed reference".into()),
            }
        };
        if module.len().max(name.len()) > MAX_NAME_BYTES {
            return Err(format!("refers to a function whose name is longer than {MAX_NAME_BYTES} bytes"));
        }
        let callable = callable(&module, &name).ok_or_else(|| {
            format!(
                "refers to `{module}.{name}`; only tensors and dictionaries of tensors are read, and no code is run"
            )
        })?;
        self.stack.push(Value::Callable(callable));
        Ok(())
    }

    fn tuple(&mut self, op: u8) -> Step {
        let values = match op {
            b')' => Vec::new(),
            b't' => self.pop_to_mark()?,
            _ => {
                let start =
                    self.stack.len().checked_sub(usize::from(op - 0x84)).ok_or("takes a value from its empty stack")?;
                self.stack.split_off(start)
            }
        };
        self.push_node(Node::Tuple(values));
        Ok(())
    }

    /// APPEND, APPENDS, SETITEM, SETITEMS
    fn fill(&mut self, op: u8) -> Step {
        let values = match op {
            b'a' => vec![self.pop()?],
            b's' => {
                let value = self.pop()?;
                vec![self.pop()?, value]
            }
            _ => self.pop_to_mark()?,
        };
        let Some(&Value::Node(target)) = self.stack.last() else { return Err("fills what is no container".into()) };
        match &mut self.nodes[target] {
            Node::List(list) if matches!(op, b'a' | b'e') => list.extend(values),
            Node::Dict(dict) if matches!(op, b's' | b'u') => {
                dict.extend(values.chunks_exact(2).map(|pair| (pair[0].clone(), pair[1].clone())));
            }
            _ => return Err("fills what is no container".into()),
        }
        Ok(())
    }

    /// `("storage", type, key, device, element count)`
    fn persistent_id(&mut self) -> Step {
        let id = self.pop()?;
        let malformed = "has a malformed storage";
        let Some(
            [Value::Str(tag), Value::Callable(Callable::Storage(float)), Value::Str(key), _, Value::Int(elements)],
        ) = self.tuple_items(&id)
        else {
            return Err(malformed.into());
        };
        if &**tag != "storage" || key.len() > MAX_NAME_BYTES {
            return Err(malformed.into());
        }
        let elements = usize::try_from(*elements).map_err(|_| malformed)?;
        let storage = Storage { float: *float, key: key.clone(), elements };
        self.push_node(Node::Storage(storage));
        Ok(())
    }

    fn reduce(&mut self) -> Step {
        let arguments = self.pop()?;
        let Value::Callable(callable) = self.pop()? else { return Err("calls what is no function".into()) };
        match (callable, self.tuple_items(&arguments)) {
            (Callable::OrderedDict, Some([])) => self.push_node(Node::Dict(Vec::new())),
            (Callable::RebuildTensor, Some([Value::Node(storage), Value::Int(offset), shape, strides, ..])) => {
                let Some(Node::Storage(storage)) = self.nodes.get(*storage) else {
                    return Err("has a malformed tensor".into());
                };
                let offset = usize::try_from(*offset).map_err(|_| "has a malformed tensor")?;
                let tensor = TensorRef {
                    storage: storage.clone(),
                    offset,
                    shape: self.sizes(shape)?,
                    strides: self.sizes(strides)?,
                };
                self.push_node(Node::Tensor(tensor));
            }
            (Callable::RebuildParameter, Some([tensor @ Value::Node(_), ..])) => {
                let tensor = tensor.clone();
                self.stack.push(tensor);
            }
            _ => return Err("calls a function with arguments that torch.save does not write".into()),
        }
        Ok(())
    }

    fn tuple_items(&self, value: &Value) -> Option<&[Value]> {
        match value {
            Value::Node(i) => match &self.nodes[*i] {
                Node::Tuple(items) => Some(items),
                _ => None,
            },
            _ => None,
        }
    }

    fn sizes(&self, value: &Value) -> Step<Vec<usize>> {
        let size = |v: &Value| match v {
            Value::Int(n) => usize::try_from(*n).ok(),
            _ => None,
        };
        let items = self.tuple_items(value).ok_or("has a malformed shape")?;
        if items.len() > MAX_AXES {
            return Err(format!("has a tensor with {} axes, more than {MAX_AXES}", items.len()));
        }
        items.iter().map(size).collect::<Option<_>>().ok_or_else(|| "has a malformed shape".into())
    }
}

fn callable(module: &str, name: &str) -> Option<Callable> {
    Some(match (module, name) {
        ("collections", "OrderedDict") => Callable::OrderedDict,
        ("torch._utils", "_rebuild_tensor_v2") => Callable::RebuildTensor,
        ("torch._utils", "_rebuild_parameter") => Callable::RebuildParameter,
        ("torch", "FloatStorage") => Callable::Storage(Some(Float::F32)),
        ("torch", "HalfStorage") => Callable::Storage(Some(Float::F16)),
        ("torch", "BFloat16Storage") => Callable::Storage(Some(Float::Bf16)),
        ("torch", "DoubleStorage") => Callable::Storage(Some(Float::F64)),
        ("torch", "LongStorage" | "IntStorage" | "ShortStorage" | "CharStorage" | "ByteStorage" | "BoolStorage") => {
            Callable::Storage(None)
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(bytes: &[u8]) -> String {
        Pickle::decode(bytes).unwrap_err().to_string()
    }

    #[test]
    fn code_is_named_and_not_run() {
        // What `pickle.dumps` writes for an object whose __reduce__ is (os.system, ("echo",)).
        assert!(reason(b"\x80\x02cposix\nsystem\nX\x04\0\0\0echo\x85R.").contains("`posix.system`"));
        assert!(reason(b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93.").contains("`builtins.eval`"));
    }

    #[test]
    fn malformed_programs_are_errors() {
        for bytes in [
            &b""[..],
            b".",
            b"\x80",
            b"X\xff\xff\xff\xffab",
            b"h\x07.",
            b"t.",
            b")R.",
            b"}K\x01a.",
            b"Q",
            b"\x87.",
            b"((",
        ] {
            assert!(Pickle::decode(bytes).is_err(), "{bytes:?}");
        }
        assert!(reason(b"\x8a\x09123456789.").contains("64 bits"));
    }

    #[test]
    fn long_integers_are_sign_extended() {
        for (bytes, expected) in
            [(&b"\x8a\x00."[..], 0), (b"\x8a\x01\xff.", -1), (b"\x8a\x02\xff\x00.", 255), (b"J\xfe\xff\xff\xff.", -2)]
        {
            assert!(matches!(Pickle::decode(bytes).unwrap().root, Value::Int(v) if v == expected), "{bytes:?}");
        }
    }

    #[test]
    fn deep_nesting_needs_no_stack() {
        let mut bytes = vec![b']'; 1];
        bytes.extend(std::iter::repeat_n(0x85, 1_000_000));
        bytes.push(b'.');
        assert!(Pickle::decode(&bytes).is_ok());
    }
}
