//! Which tensors a model has.

use std::collections::BTreeMap;

/// Tensor name → shape.
pub type Schema = BTreeMap<String, Vec<usize>>;

/// Collects a schema; each family adds its own modules to what PyTorch's have.
#[derive(Default)]
pub(crate) struct Builder(pub(crate) Schema);

impl Builder {
    pub(crate) fn put(&mut self, name: String, shape: &[usize]) {
        self.0.insert(name, shape.to_vec());
    }

    pub(crate) fn weight_and_bias(&mut self, name: &str, weight: &[usize], bias: usize) {
        self.put(format!("{name}.weight"), weight);
        self.put(format!("{name}.bias"), &[bias]);
    }

    pub(crate) fn linear(&mut self, name: &str, dim_in: usize, dim_out: usize) {
        self.weight_and_bias(name, &[dim_out, dim_in], dim_out);
    }

    pub(crate) fn conv(&mut self, name: &str, dim_in: usize, dim_out: usize, kernel: usize) {
        self.weight_and_bias(name, &[dim_out, dim_in, kernel], dim_out);
    }
}
