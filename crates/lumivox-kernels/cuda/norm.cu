// Normalisations: of each channel over time, as a factor and an offset that the next convolution applies, and of each step over its channels.
//
// Memory decides: three to eight flops for every value. A row or column is read again from the caches, so that device memory sees x once where only statistics are
// taken (4 byte a value in f32), and x once and y once where a signal is written (8 byte). Expected 70-80 % of the V100's 900 GB/s for signals beyond 8 MB; shorter
// ones wait for latency (not run on a GPU).
//
// Means are corrected by the mean of what is left once they are taken away, variances likewise: the first mean's rounding drops out.
#include "common.cuh"

// scale = (1+gamma)/sqrt(variance+eps), shift = beta - mean*scale. style: [B][2C][1] = [gamma | beta], affine: [B][C]. A block takes a row.
// Shared: 32 sums. Grid: (C, B).
template <class T>
__device__ __forceinline__ void instance_affine(const View<const T> &x, const View<const float> &style, float2 *affine, float eps) {
  DYNAMIC_SHARED(float, partial);
  const int c = blockIdx.x, b = blockIdx.y, n = x.length(b);
  if (n <= 0) return;
  const T *const row = x.row(b, c);
  float sum = 0.0f;
#pragma unroll 4
  for (int t = threadIdx.x; t < n; t += blockDim.x) sum += load(row + t);
  const float mean = block_sum(sum, partial) / n;
  float rest = 0.0f, squares = 0.0f;
#pragma unroll 4
  for (int t = threadIdx.x; t < n; t += blockDim.x) {
    const float v = load(row + t) - mean;
    rest += v;
    squares = fmaf(v, v, squares);
  }
  rest = block_sum(rest, partial) / n;
  squares = block_sum(squares, partial) / n;
  if (threadIdx.x == 0) {
    // In double, as the CPU's: a mean far from zero cancels against beta.
    const double scale = (1.0 + *style.row(b, c)) / sqrt((double)squares - (double)rest * rest + eps);
    affine[b * x.channels + c] = make_float2((float)scale, (float)(*style.row(b, c + x.channels) - ((double)mean + rest) * scale));
  }
}
extern "C" __global__ void __launch_bounds__(1024) instance_affine_f32(View<const float> x, View<const float> style, float2 *affine, float eps) {
  instance_affine<float>(x, style, affine, eps);
}
extern "C" __global__ void __launch_bounds__(1024) instance_affine_f16(View<const half> x, View<const float> style, float2 *affine, float eps) {
  instance_affine<half>(x, style, affine, eps);
}

// Factors and offsets of each channel, [C] each, `batch_stride` values from one utterance's to the next one's. The layout is that of `Parameters` in
// `src/cuda/norm.rs`.
struct NormParameters {
  const float *gamma, *beta;  // [B or 1][C]
  long long batch_stride;
  float gamma_offset;  // added to gamma
  float eps;
};

// The sums of two values over the rows of threads, in every thread of a column. partial: [2][threads].
__device__ __forceinline__ float2 column_sums(float2 v, float *partial, int width) {
  const int i = threadIdx.x, threads = blockDim.x;
  __syncthreads();
  partial[i] = v.x;
  partial[threads + i] = v.y;
  for (int left = threads / 2; left >= width; left >>= 1) {
    __syncthreads();
    if (i < left) {
      partial[i] += partial[i + left];
      partial[threads + i] += partial[threads + i + left];
    }
  }
  __syncthreads();
  return make_float2(partial[i % width], partial[threads + i % width]);
}

// activation(norm(x)) + residual. A block takes `width` steps, a power of two, and its threads stand in rows of so many, each row at other channels.
// A thread reads the values that it writes, and before it does: y may be x or the residual. Shared: [2][threads]. Grid: (blocks of `width` steps, B).
template <class T>
__device__ __forceinline__ void channel_norm(const View<const T> &x, const View<T> &y, const NormParameters &p, const Activation &activation, const View<const T> &residual,
                                             int has_residual, int width) {
  DYNAMIC_SHARED(float, partial);
  const int b = blockIdx.y, length = common_length(x, y, b), channels = x.channels;
  if ((int)blockIdx.x * width >= length) return;
  const int t = blockIdx.x * width + threadIdx.x % width, first = threadIdx.x / width, rows = blockDim.x / width;
  const bool inside = t < length;
  const float n = channels;
  float2 sums = make_float2(0.0f, 0.0f);
  if (inside) {
#pragma unroll 4
    for (int c = first; c < channels; c += rows) sums.x += load(x.row(b, c) + t);
  }
  const float mean = column_sums(sums, partial, width).x / n;
  sums = make_float2(0.0f, 0.0f);
  if (inside) {
#pragma unroll 4
    for (int c = first; c < channels; c += rows) {
      const float v = load(x.row(b, c) + t) - mean;
      sums.x += v;
      sums.y = fmaf(v, v, sums.y);
    }
  }
  sums = column_sums(sums, partial, width);
  if (!inside) return;
  const float rest = sums.x / n, scale = 1.0f / sqrtf(sums.y / n - rest * rest + p.eps);
  const float *const gamma = p.gamma + b * p.batch_stride, *const beta = p.beta + b * p.batch_stride;
  for (int c = first; c < channels; c += rows) {
    const float normed = (load(x.row(b, c) + t) - mean - rest) * scale;
    float v = activate(activation, c, fmaf(normed, gamma[c] + p.gamma_offset, beta[c]));
    if (has_residual) v += load(residual.row(b, c) + t);
    store(y.row(b, c) + t, v);
  }
}
extern "C" __global__ void __launch_bounds__(512) channel_norm_f32(View<const float> x, View<float> y, NormParameters p, Activation activation, View<const float> residual,
                                                                   int has_residual, int width) {
  channel_norm<float>(x, y, p, activation, residual, has_residual, width);
}
extern "C" __global__ void __launch_bounds__(512) channel_norm_f16(View<const half> x, View<half> y, NormParameters p, Activation activation, View<const half> residual,
                                                                   int has_residual, int width) {
  channel_norm<half>(x, y, p, activation, residual, has_residual, width);
}
