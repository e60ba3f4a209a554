// What the kernels share: how they see signals, activations, reductions.
//
// Values are stored as `float` or `half` and computed in `float`. Signals are channel-major, `(B, C, L)`; the utterances of a batch may differ in length, and
// what lies behind an utterance's end is neither read nor written.
#pragma once

#ifdef LUMIVOX_EMULATION
#include "emulation/cuda.h"
#else
#include <cuda_fp16.h>
#include <mma.h>
#define DYNAMIC_SHARED(T, name)                                                                                        \
  extern __shared__ __align__(128) unsigned char name##_bytes[];                                                       \
  T *name = reinterpret_cast<T *>(name##_bytes)
#endif

// A signal `(B, C, L)` in memory, or some of its channels. The layout is that of `View` in `src/cuda/signal.rs`.
template <class T> struct View {
  T *data;                // [B][C][steps], batch_stride values from one utterance to the next
  long long batch_stride;
  int channels, steps;    // C, and the length that memory is laid out for
  const int *counts;      // [B], or none where all have `steps`
  int factor, extra;      // an utterance has counts[b]*factor + extra steps

  __device__ int length(int b) const { return counts ? counts[b] * factor + extra : steps; }
  __device__ T *row(int b, int c) const { return data + b * batch_stride + (long long)c * steps; }
};

// Steps that both signals have in utterance b.
template <class A, class B> __device__ __forceinline__ int common_length(const View<A> &x, const View<B> &y, int b) {
  const int n = x.length(b), m = y.length(b);
  return n < m ? n : m;
}

// The values of `Activation` in `src/cuda/fuse.rs`.
enum ActivationKind { NONE = 0, LEAKY_RELU = 1, GELU = 2, GELU_TANH = 3, SNAKE = 4, TANH = 5 };

struct Activation {
  int kind;
  float slope;         // of LEAKY_RELU
  const float *alpha;  // [C], of SNAKE
};

// What is done to values as they are read: `activation(scale*x + shift)`.
struct Prologue {
  const float2 *affine;  // [B][C] of (scale, shift), or none
  Activation activation;
};

// What is done to values as they are written: `y*accumulate + scale*(activation(v) + residual)`.
struct Epilogue {
  const void *residual;  // [B][C][residual_steps], of the signal's own type, or none
  long long residual_batch_stride;
  int residual_steps, residual_shift;  // step t takes residual[t >> shift]
  float scale;
  int accumulate;
  Activation activation;
};

__device__ __forceinline__ float load(const float *p) { return *p; }
__device__ __forceinline__ float load(const half *p) { return __half2float(*p); }
__device__ __forceinline__ void store(float *p, float v) { *p = v; }
__device__ __forceinline__ void store(half *p, float v) { *p = __float2half(v); }

__device__ __forceinline__ float sigmoid(float x) { return 1.0f / (1.0f + expf(-x)); }

__device__ __forceinline__ float activate(const Activation &a, int channel, float x) {
  switch (a.kind) {
  case LEAKY_RELU: return x < 0.0f ? a.slope * x : x;
  case GELU: return 0.5f * x * (1.0f + erff(x * 0.70710678118654752f));
  case GELU_TANH: return 0.5f * x * (1.0f + tanhf(0.79788456080286536f * (x + 0.044715f * x * x * x)));
  case SNAKE: {
    const float alpha = a.alpha[channel], s = sinf(alpha * x);
    return x + s * s / alpha;
  }
  case TANH: return tanhf(x);
  default: return x;
  }
}

__device__ __forceinline__ float apply(const Prologue &p, int b, int channels, int channel, float x) {
  if (p.affine) {
    const float2 a = p.affine[b * channels + channel];
    x = fmaf(x, a.x, a.y);
  }
  return activate(p.activation, channel, x);
}

// The epilogue's activation, called rather than written out for every sum that a thread has: few convolutions have one.
__device__ __noinline__ float activate_output(int kind, float slope, float x) { return activate({kind, slope, nullptr}, 0, x); }

// Writes `v` for step `t` of channel `c` as the epilogue says.
template <class T> __device__ __forceinline__ void finish(const Epilogue &e, const View<T> &y, int b, int c, int t, float v) {
  if (e.activation.kind != NONE) v = activate_output(e.activation.kind, e.activation.slope, v);
  if (e.residual) {
    const T *residual = static_cast<const T *>(e.residual) + b * e.residual_batch_stride;
    v += load(residual + (long long)c * e.residual_steps + (t >> e.residual_shift));
  }
  v *= e.scale;
  T *out = y.row(b, c) + t;
  store(out, e.accumulate ? load(out) + v : v);
}

// The sum over a block of at most 1024 threads, a multiple of 32 of them, in every thread. `partial`: 32 shared values that nobody else uses meanwhile.
__device__ __forceinline__ float block_sum(float v, float *partial) {
  for (int lane = 16; lane > 0; lane >>= 1) v += __shfl_xor_sync(0xffffffffu, v, lane);
  const int warp = threadIdx.x >> 5, warps = blockDim.x >> 5;
  __syncthreads();
  if ((threadIdx.x & 31) == 0) partial[warp] = v;
  __syncthreads();
  v = 0.0f;
  for (int i = 0; i < warps; i++) v += partial[i];
  return v;
}
