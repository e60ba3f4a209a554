//! Linear layers.
//!
//! Values are row-major, a token's channels side by side. The weights are packed once in panels of 48 output channels, in the order in which they are
//! read. A thread takes one panel and some rows: a stretch of the input channels at a time, so that the panel's share of it stays in the first-level cache,
//! eight rows × up to three vectors of columns are summed in registers. What follows the layer is done while the sums are stored.

use std::cell::RefCell;

use candle_core::{D, Result, Tensor, bail};
use rayon::prelude::*;

use crate::arch::{Isa, Kernel, Simd, dispatch};
use crate::math;
use crate::op::with_values;
use crate::parallel::SharedMut;

/// Output channels of a panel: three AVX-512 vectors.
const PANEL: usize = 48;
/// Rows of a register tile; instruction sets with fewer registers take them in two halves.
const ROWS: usize = 8;
/// Input channels that all rows are done with before the next ones: 24 KiB of a panel. They are summed by themselves, so that rounding grows with their
/// number and not with that of all channels.
const DEPTH: usize = 128;
/// Rows that a task takes, at most.
const TASK_ROWS: usize = 256;

/// `torch.nn.Linear` with its weights packed once.
///
/// Sums are in `f32`: the error against [`linear_reference`] stays within `2e-6 · Σ|w·x|`.
#[derive(Clone, Debug)]
pub struct Linear {
    /// `[⌈C_out/PANEL⌉][C_in][PANEL]`, columns past `C_out` zero.
    panels: Vec<f32>,
    /// Padded to whole panels.
    bias: Vec<f32>,
    c_in: usize,
    c_out: usize,
}

/// What is done to the sums.
#[derive(Clone, Copy, Debug)]
enum Finish<'a> {
    Store,
    Gelu,
    Add(&'a [f32]),
}

impl Linear {
    /// Packs `weight: (C_out, C_in)` and `bias: (C_out)`.
    ///
    /// # Errors
    /// If the shapes do not fit each other, or a size is zero.
    pub fn new(weight: &Tensor, bias: Option<&Tensor>) -> Result<Self> {
        let (c_out, c_in) = weight.dims2()?;
        if c_out == 0 || c_in == 0 || bias.is_some_and(|bias| bias.dims() != [c_out]) {
            bail!("linear: weight {:?} and bias {:?}", weight.shape(), bias.map(Tensor::shape));
        }
        let mut panels = vec![0f32; c_out.div_ceil(PANEL) * c_in * PANEL];
        with_values(weight, "linear", |weight| {
            for (out, row) in weight.chunks_exact(c_in).enumerate() {
                let panel = &mut panels[out / PANEL * c_in * PANEL + out % PANEL..];
                panel.iter_mut().step_by(PANEL).zip(row).for_each(|(packed, &w)| *packed = w);
            }
            Ok(())
        })?;
        let mut padded = vec![0f32; c_out.next_multiple_of(PANEL)];
        if let Some(bias) = bias {
            with_values(bias, "linear", |bias| {
                padded[..c_out].copy_from_slice(bias);
                Ok(())
            })?;
        }
        Ok(Self { panels, bias: padded, c_in, c_out })
    }

    /// `x: (…, C_in) → (…, C_out)`.
    ///
    /// # Errors
    /// If `x` has another last dimension.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        self.finished(x, Finish::Store)
    }

    /// As [`Linear::forward`], then `gelu_new`, the GELU with a hyperbolic tangent, whose absolute error is ≤ 5e-7 · max(1, |y|).
    ///
    /// # Errors
    /// As [`Linear::forward`].
    pub fn forward_gelu(&self, x: &Tensor) -> Result<Tensor> {
        self.finished(x, Finish::Gelu)
    }

    /// As [`Linear::forward`], plus `residual`, which has the output's shape.
    ///
    /// # Errors
    /// As [`Linear::forward`], or if `residual` has another number of values.
    pub fn forward_add(&self, x: &Tensor, residual: &Tensor) -> Result<Tensor> {
        with_values(residual, "linear", |residual| self.finished(x, Finish::Add(residual)))
    }

    fn finished(&self, x: &Tensor, finish: Finish) -> Result<Tensor> {
        if x.dim(D::Minus1)? != self.c_in {
            bail!("linear: input {:?} for {} channels", x.shape(), self.c_in);
        }
        let mut dims = x.dims().to_vec();
        dims[x.rank() - 1] = self.c_out;
        let mut out = vec![0f32; dims.iter().product()];
        if let Finish::Add(residual) = finish
            && residual.len() != out.len()
        {
            bail!("linear: a residual of {} values for {dims:?}", residual.len());
        }
        with_values(x, "linear", |x| {
            self.compute(x, &mut out, finish);
            Ok(())
        })?;
        Tensor::from_vec(out, dims, x.device())
    }

    /// `x: [R][C_in]` → `out: [R][C_out]`.
    fn compute(&self, x: &[f32], out: &mut [f32], finish: Finish) {
        let rows = x.len() / self.c_in;
        let parts = rows.div_ceil(TASK_ROWS);
        let out = SharedMut::new(out);
        let isa = Isa::current();
        (0..self.c_out.div_ceil(PANEL) * parts).into_par_iter().for_each(|task| {
            let (panel, part) = (task / parts, task % parts);
            let first = part * TASK_ROWS;
            dispatch(isa, Panel { linear: self, x, out, finish, panel, first, rows: TASK_ROWS.min(rows - first) });
        });
    }
}

/// One task: some rows of one panel.
struct Panel<'a> {
    linear: &'a Linear,
    x: &'a [f32],
    out: SharedMut<'a>,
    finish: Finish<'a>,
    panel: usize,
    first: usize,
    rows: usize,
}

thread_local! {
    static SUMS: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

impl Kernel for Panel<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Linear { panels, bias, c_in, c_out } = self.linear;
        let (c_in, start) = (*c_in, self.panel * PANEL);
        let columns = PANEL.min(c_out - start);
        let panel = &panels[start * c_in..][..PANEL * c_in];
        let x = &self.x[self.first * c_in..][..self.rows * c_in];
        // Taken out and put back, not borrowed in a closure: a closure would be compiled without the instruction set.
        let mut sums = SUMS.take();
        sums.resize(TASK_ROWS * PANEL, 0.0);
        for sums in sums.chunks_exact_mut(PANEL).take(self.rows.next_multiple_of(ROWS)) {
            sums.copy_from_slice(&bias[start..start + PANEL]);
        }
        for from in (0..c_in).step_by(DEPTH) {
            let depth = DEPTH.min(c_in - from);
            let panel = &panel[from * PANEL..][..depth * PANEL];
            for row in (0..self.rows).step_by(ROWS) {
                add_product(s, [x, panel], [from, depth], [row, self.rows, c_in], &mut sums[row * PANEL..], columns);
            }
        }
        for (row, sums) in sums.chunks_exact_mut(PANEL).take(self.rows).enumerate() {
            let at = (self.first + row) * c_out + start;
            finish(s, self.finish, at, &mut sums[..columns]);
            // SAFETY: rows and columns are this task's alone.
            unsafe { self.out.slice(at, columns) }.copy_from_slice(&sums[..columns]);
        }
        SUMS.set(sums);
    }
}

/// What is done to the sums of a row, which go to `at` and behind.
#[inline(always)]
fn finish<S: Simd>(s: S, finish: Finish, at: usize, sums: &mut [f32]) {
    match finish {
        Finish::Store => {}
        Finish::Add(residual) => sums.iter_mut().zip(&residual[at..]).for_each(|(sum, x)| *sum += x),
        Finish::Gelu => {
            let mut padded = [0f32; PANEL];
            padded[..sums.len()].copy_from_slice(sums);
            for vector in padded.chunks_exact_mut(S::LANES) {
                // SAFETY: `chunks_exact_mut` gives LANES values.
                unsafe { s.store(vector.as_mut_ptr(), math::gelu_tanh(s, s.load(vector.as_ptr()))) };
            }
            sums.copy_from_slice(&padded[..sums.len()]);
        }
    }
}

/// `sums[r][j] += Σ x[row + r][from + k] · panel[k][j]` for at most `ROWS` rows and the vectors that `columns` columns need.
#[inline(always)]
fn add_product<S: Simd>(
    s: S,
    [x, panel]: [&[f32]; 2],
    [from, depth]: [usize; 2],
    [row, rows, c_in]: [usize; 3],
    sums: &mut [f32],
    columns: usize,
) {
    assert!(rows * c_in <= x.len() && from + depth <= c_in && row < rows);
    assert!(panel.len() == depth * PANEL && ROWS * PANEL <= sums.len() && columns <= PANEL);
    // Where there are not so many rows, the last is taken again.
    let pointers: [*const f32; ROWS] = std::array::from_fn(|r| x[(row + r).min(rows - 1) * c_in + from..].as_ptr());
    let count = ROWS.min(rows - row);
    let mut done = 0;
    while done < columns {
        let vectors = (columns - done).div_ceil(S::LANES).min(S::TILE_VECTORS);
        // SAFETY: the assertions above; PANEL is a multiple of LANES for every set.
        unsafe {
            let (panel, sums) = (panel.as_ptr().add(done), sums.as_mut_ptr().add(done));
            match vectors {
                1 => tiles::<S, 1>(s, &pointers, count, panel, depth, sums),
                2 => tiles::<S, 2>(s, &pointers, count, panel, depth, sums),
                _ => tiles::<S, 3>(s, &pointers, count, panel, depth, sums),
            }
        }
        done += vectors * S::LANES;
    }
}

/// `count` rows, in register tiles as large as the instruction set has registers for; `N` vectors of columns.
///
/// # Safety
/// `rows` must be readable for `depth` values each, `panel` for `depth` rows and `sums` writable for `ROWS` rows, `PANEL` apart, of `N` vectors.
#[inline(always)]
unsafe fn tiles<S: Simd, const N: usize>(
    s: S,
    rows: &[*const f32; ROWS],
    count: usize,
    panel: *const f32,
    depth: usize,
    sums: *mut f32,
) {
    let mut row = 0;
    while row < count {
        // SAFETY: tiles of 4 begin at 0 or 4, one of 8 at 0, so that none passes ROWS.
        unsafe {
            let sums = sums.add(row * PANEL);
            row += match (count - row, S::TILE_ROWS) {
                (1, _) => tile::<S, 1, N>(s, &rows[row..], panel, depth, sums),
                (5.., 8) => tile::<S, 8, N>(s, &rows[row..], panel, depth, sums),
                _ => tile::<S, 4, N>(s, &rows[row..], panel, depth, sums),
            }
        }
    }
}

/// The first `R` of `rows`, `N` vectors of columns; returns `R`.
///
/// # Safety
/// As for [`tiles`].
#[inline(always)]
unsafe fn tile<S: Simd, const R: usize, const N: usize>(
    s: S,
    rows: &[*const f32],
    panel: *const f32,
    depth: usize,
    sums: *mut f32,
) -> usize {
    let rows: [*const f32; R] = std::array::from_fn(|r| rows[r]);
    // SAFETY: the caller's promise.
    unsafe {
        let mut acc = [[s.splat(0.0); N]; R];
        for k in 0..depth {
            let panel = panel.add(k * PANEL);
            let columns: [S::V; N] = std::array::from_fn(|j| s.load(panel.add(j * S::LANES)));
            for (acc, row) in acc.iter_mut().zip(&rows) {
                let x = s.splat(*row.add(k));
                for (acc, &column) in acc.iter_mut().zip(&columns) {
                    *acc = s.mul_add(x, column, *acc);
                }
            }
        }
        for (r, acc) in acc.iter().enumerate() {
            for (j, &acc) in acc.iter().enumerate() {
                let sum = sums.add(r * PANEL + j * S::LANES);
                s.store(sum, s.add(s.load(sum), acc));
            }
        }
    }
    R
}

/// The scalar oracle of [`Linear`], in `f64`: `x: [R][C_in]`, `weight: [C_out][C_in]` → `[R][C_out]`.
pub fn linear_reference(x: &[f32], weight: &[f32], bias: &[f32]) -> Vec<f64> {
    let c_in = weight.len() / bias.len();
    let dot = |x: &[f32], w: &[f32]| x.iter().zip(w).map(|(&x, &w)| f64::from(x) * f64::from(w)).sum::<f64>();
    let row = |x| weight.chunks(c_in).zip(bias).map(move |(w, &bias)| f64::from(bias) + dot(x, w));
    x.chunks(c_in).flat_map(row).collect()
}
