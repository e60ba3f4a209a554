// One-dimensional convolutions as implicit matrix products, and transposed ones as a convolution for each phase.
//
//   y[b][o][n*out_stride + phase - crop] = epilogue( bias[o] + sum over c, k of w[phase][c][k][o] * prologue(x[b][c][n*stride + offset + k*dilation]) )
//
// A plain convolution has one phase and out_stride 1. A transposed one has `out_stride` phases: steps of equal remainder see the same taps.
//
// Arithmetic intensity at the generator's shapes (C 128 to 256, K 3 to 11): 2*C*K flops for every value read and written, 96 to 700 flop/byte in f32 where a V100's
// balance is 17 (15.7 TFLOP/s over 900 GB/s), so arithmetic decides. A thread's 4 x 8 sums take 32 multiplications for 9 reads of shared memory; expected 60-75 % of
// the V100's f32 limit (not run on a GPU). The tensor-core kernel reads weights from the L1 cache and is bound by that: expected 25-35 % of 125 TFLOP/s (not run).
#include "common.cuh"

// The layout is that of `Geometry` in `src/cuda/conv1d.rs`.
struct Geometry {
  int taps;              // K, of a phase
  int stride, dilation;  // of the input
  int offset;            // of the first tap: -padding
  int out_stride, crop;
  int phases;
  int rows;              // C_out, padded to a multiple of 64: how far weights of one tap are from the next
  long long phase_stride;  // values of a phase's weights
};

constexpr int CHANNELS_A_STEP = 8;  // input channels a step: one for each warp of a block

// A block of 256 threads computes 16*TM channels of 16*TN steps, a thread TM of TN. Shared: x [CHANNELS_A_STEP][span], w [CHANNELS_A_STEP*K][16*TM].
template <class T, int TM, int TN>
__device__ __forceinline__ void conv1d(const View<const T> &x, const View<T> &y, const T *__restrict__ weight, const float *__restrict__ bias,
                                       const Prologue &prologue, const Epilogue &epilogue, const Geometry &g) {
  constexpr int BM = 16 * TM, BN = 16 * TN;
  DYNAMIC_SHARED(float, shared);
  const int span = (BN - 1) * g.stride + (g.taps - 1) * g.dilation + 1;
  const int span_padded = (span + 3) & ~3;
  float *const xs = shared, *const ws = shared + CHANNELS_A_STEP * span_padded;
  const int b = blockIdx.z / g.phases, phase = blockIdx.z % g.phases;
  const int first = blockIdx.x * BN, first_channel = blockIdx.y * BM;
  const int in_length = x.length(b), out_length = y.length(b);
  if ((long long)first * g.out_stride + phase - g.crop >= out_length) return;
  const int tx = threadIdx.x & 15, ty = threadIdx.x >> 4, warp = threadIdx.x >> 5, lane = threadIdx.x & 31;
  const int in_first = first * g.stride + g.offset;
  weight += phase * g.phase_stride;
  float sums[TM][TN] = {};
  for (int c0 = 0; c0 < x.channels; c0 += CHANNELS_A_STEP) {
    const int channel = c0 + warp;
    for (int i = lane; i < span; i += 32) {
      const int t = in_first + i;
      const bool inside = channel < x.channels && t >= 0 && t < in_length;
      xs[warp * span_padded + i] = inside ? apply(prologue, b, x.channels, channel, load(x.row(b, channel) + t)) : 0.0f;
    }
    // Rows of the channels that there are; what is missing of the last step is zero in x.
    const int rows = min(CHANNELS_A_STEP, x.channels - c0) * g.taps;
    for (int i = threadIdx.x; i < CHANNELS_A_STEP * g.taps * BM; i += 256) {
      const int row = i / BM, o = first_channel + i % BM;
      ws[i] = row < rows ? load(weight + ((long long)c0 * g.taps + row) * g.rows + o) : 0.0f;
    }
    __syncthreads();
    for (int c = 0; c < CHANNELS_A_STEP; c++) {
      for (int k = 0; k < g.taps; k++) {
        const float *const w = ws + (c * g.taps + k) * BM + ty * TM;
        const float *const v = xs + c * span_padded + k * g.dilation + tx * g.stride;
        float wr[TM], vr[TN];
#pragma unroll
        for (int m = 0; m < TM; m++) wr[m] = w[m];
#pragma unroll
        for (int n = 0; n < TN; n++) vr[n] = v[16 * n * g.stride];
#pragma unroll
        for (int m = 0; m < TM; m++)
#pragma unroll
          for (int n = 0; n < TN; n++) sums[m][n] = fmaf(wr[m], vr[n], sums[m][n]);
      }
    }
    __syncthreads();
  }
#pragma unroll
  for (int m = 0; m < TM; m++) {
    const int o = first_channel + ty * TM + m;
    if (o >= y.channels) continue;
    const float offset = bias ? bias[o] : 0.0f;
#pragma unroll
    for (int n = 0; n < TN; n++) {
      const int t = (first + tx + 16 * n) * g.out_stride + phase - g.crop;
      if (t >= 0 && t < out_length) finish(epilogue, y, b, o, t, sums[m][n] + offset);
    }
  }
}

// Grid: (blocks of 128 steps, blocks of 64 channels, B*phases).
extern "C" __global__ void __launch_bounds__(256) conv1d_f32(View<const float> x, View<float> y, const float *weight, const float *bias, Prologue p, Epilogue e, Geometry g) {
  conv1d<float, 4, 8>(x, y, weight, bias, p, e, g);
}
extern "C" __global__ void __launch_bounds__(256) conv1d_f16(View<const half> x, View<half> y, const half *weight, const float *bias, Prologue p, Epilogue e, Geometry g) {
  conv1d<half, 4, 8>(x, y, weight, bias, p, e, g);
}
// For short signals, which must be spread over all processors. Grid: (blocks of 32 steps, blocks of 32 channels, B*phases).
extern "C" __global__ void __launch_bounds__(256) conv1d_short_f32(View<const float> x, View<float> y, const float *weight, const float *bias, Prologue p, Epilogue e, Geometry g) {
  conv1d<float, 2, 2>(x, y, weight, bias, p, e, g);
}
extern "C" __global__ void __launch_bounds__(256) conv1d_short_f16(View<const half> x, View<half> y, const half *weight, const float *bias, Prologue p, Epilogue e, Geometry g) {
  conv1d<half, 2, 2>(x, y, weight, bias, p, e, g);
}

constexpr int TENSOR_CHANNELS = 32;    // input channels a step
constexpr int TENSOR_ROW = 48;         // halves from one step to the next in shared memory: a multiple of 16, as fragments must be aligned
constexpr int TENSOR_STEPS = 128;      // steps of a block
constexpr int TENSOR_OUT = 64;         // output channels of a block

// On tensor cores, fragments of 16 x 16 x 16: eight warps, each 32 channels of 32 steps. Weights are [phase][K][C_out padded to 64][C_in padded to 32].
// Shared: x [span][TENSOR_ROW], or the sums [8][16][16] floats afterwards. Grid: (blocks of 128 steps, blocks of 64 channels, B*phases). Stride 1.
extern "C" __global__ void __launch_bounds__(256) conv1d_tensor_f16(View<const half> x, View<half> y, const half *weight, const float *bias, Prologue p, Epilogue e, Geometry g) {
  using namespace nvcuda;
  DYNAMIC_SHARED(half, xs);
  const int span = TENSOR_STEPS + (g.taps - 1) * g.dilation;
  const int b = blockIdx.z / g.phases, phase = blockIdx.z % g.phases;
  const int first = blockIdx.x * TENSOR_STEPS;
  const int in_length = x.length(b), out_length = y.length(b);
  if ((long long)first * g.out_stride + phase - g.crop >= out_length) return;
  const int warp = threadIdx.x >> 5, lane = threadIdx.x & 31;
  const int warp_channel = blockIdx.y * TENSOR_OUT + (warp & 1) * 32, warp_step = (warp >> 1) * 32;
  const int padded = (x.channels + TENSOR_CHANNELS - 1) / TENSOR_CHANNELS * TENSOR_CHANNELS;
  weight += phase * g.phase_stride;
  wmma::fragment<wmma::accumulator, 16, 16, 16, float> sums[2][2];
  for (int m = 0; m < 2; m++)
    for (int n = 0; n < 2; n++) wmma::fill_fragment(sums[m][n], 0.0f);
  for (int c0 = 0; c0 < padded; c0 += TENSOR_CHANNELS) {
    for (int i = warp; i < TENSOR_CHANNELS; i += 8) {
      const int c = c0 + i;
      for (int n = lane; n < span; n += 32) {
        const int t = first + g.offset + n;
        const bool inside = c < x.channels && t >= 0 && t < in_length;
        xs[n * TENSOR_ROW + i] = __float2half(inside ? apply(p, b, x.channels, c, load(x.row(b, c) + t)) : 0.0f);
      }
    }
    __syncthreads();
    for (int k = 0; k < g.taps; k++) {
      for (int c = 0; c < TENSOR_CHANNELS; c += 16) {
        wmma::fragment<wmma::matrix_b, 16, 16, 16, half, wmma::col_major> v[2];
        for (int n = 0; n < 2; n++) wmma::load_matrix_sync(v[n], xs + (warp_step + 16 * n + k * g.dilation) * TENSOR_ROW + c, TENSOR_ROW);
        for (int m = 0; m < 2; m++) {
          wmma::fragment<wmma::matrix_a, 16, 16, 16, half, wmma::row_major> w;
          wmma::load_matrix_sync(w, weight + ((long long)k * g.rows + warp_channel + 16 * m) * padded + c0 + c, padded);
          for (int n = 0; n < 2; n++) wmma::mma_sync(sums[m][n], w, v[n], sums[m][n]);
        }
      }
    }
    __syncthreads();
  }
  float *const tile = reinterpret_cast<float *>(xs) + warp * 256;
  for (int m = 0; m < 2; m++)
    for (int n = 0; n < 2; n++) {
      wmma::store_matrix_sync(tile, sums[m][n], 16, wmma::mem_row_major);
      __syncwarp();
      for (int i = lane; i < 256; i += 32) {
        const int o = warp_channel + 16 * m + i / 16;
        const int t = (first + warp_step + 16 * n + i % 16) * g.out_stride + phase - g.crop;
        if (o < y.channels && t >= 0 && t < out_length) finish(e, y, b, o, t, tile[i] + (bias ? bias[o] : 0.0f));
      }
      __syncwarp();
    }
}

// Each channel by itself: w[phase][k][c]. Memory decides: 2*K flops for 8 bytes. Grid: (blocks of 256 steps of all phases, C, B).
template <class T>
__device__ __forceinline__ void depthwise(const View<const T> &x, const View<T> &y, const T *weight, const float *bias, const Prologue &p, const Epilogue &e, const Geometry &g) {
  const int b = blockIdx.z, c = blockIdx.y, t = blockIdx.x * 256 + threadIdx.x;
  if (t >= y.length(b)) return;
  const int phase = (t + g.crop) % g.out_stride, n = (t + g.crop) / g.out_stride;
  const int in_length = x.length(b);
  float sum = bias ? bias[c] : 0.0f;
  for (int k = 0; k < g.taps; k++) {
    const int step = n * g.stride + g.offset + k * g.dilation;
    if (step >= 0 && step < in_length)
      sum = fmaf(load(weight + phase * g.phase_stride + (long long)k * g.rows + c), apply(p, b, x.channels, c, load(x.row(b, c) + step)), sum);
  }
  finish(e, y, b, c, t, sum);
}
extern "C" __global__ void __launch_bounds__(256) depthwise_f32(View<const float> x, View<float> y, const float *weight, const float *bias, Prologue p, Epilogue e, Geometry g) {
  depthwise<float>(x, y, weight, bias, p, e, g);
}
extern "C" __global__ void __launch_bounds__(256) depthwise_f16(View<const half> x, View<half> y, const half *weight, const float *bias, Prologue p, Epilogue e, Geometry g) {
  depthwise<half>(x, y, weight, bias, p, e, g);
}
