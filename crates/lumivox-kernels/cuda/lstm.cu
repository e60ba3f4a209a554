// The recurrence of a bidirectional LSTM, all its steps in one cooperative launch.
//
// A direction's recurrent weights are spread over the shared memory of its blocks, where they stay: a block has `units` hidden units, four rows of H values each.
// Blocks hand each other their hidden states through global memory, in two buffers in turn, and meet after every step. A warp sums the four gates of a unit for four
// utterances at a time; its lanes read neighbouring words, so shared memory has no conflicts, and 16 sums are reduced in 16 shuffles.
//
// Arithmetic intensity: 16*H*H flops a step and utterance from weights that are never read again, 1 flop a byte of shared memory for one utterance, 4 for four.
// What decides is the time from step to step, a trip to the L2 cache and back: 2-3 us expected, at H 256 and one utterance below 2 % of a V100's 15.7 TFLOP/s f32,
// with 64 utterances 20-30 % (not run on a GPU).
#include "common.cuh"

#ifndef LUMIVOX_EMULATION
// All `blocks` that count in `counter`, which began as 0, meet; what they wrote before is seen by `__ldcg` behind it.
__device__ __forceinline__ void grid_barrier(unsigned *counter, unsigned blocks) {
  __threadfence();
  __syncthreads();
  if (threadIdx.x == 0) {
    const unsigned round_end = (atomicAdd(counter, 1u) / blocks + 1) * blocks;
    while (*static_cast<volatile unsigned *>(counter) < round_end) {}
    __threadfence();
  }
  __syncthreads();
}
#endif

namespace lstm {

constexpr int TOGETHER = 4;  // utterances that a warp sums side by side
constexpr int STAGED = 8;    // utterances whose hidden states are in shared memory at a time
constexpr int WARPS = 8;

// Lane l gets the sum over the warp of values[l/2].
__device__ __forceinline__ float reduce(float (&values)[16]) {
  const int lane = threadIdx.x & 31;
#pragma unroll
  for (int half = 8; half > 0; half >>= 1) {
    const bool upper = lane & (2 * half);
#pragma unroll
    for (int i = 0; i < half; i++) {
      const float give = upper ? values[i] : values[i + half];
      const float keep = upper ? values[i + half] : values[i];
      values[i] = keep + __shfl_xor_sync(0xffffffffu, give, 2 * half);
    }
  }
  return values[0] + __shfl_xor_sync(0xffffffffu, values[0], 1);
}

// Sums in lane l = 8*gate + 2*n the recurrent part of a gate for the utterance n of four. w: [4][H], h: [4][H].
__device__ __forceinline__ float product(const float *w, const float *h, int hidden) {
  float sums[4 * TOGETHER] = {};
  for (int k = threadIdx.x & 31; k < hidden; k += 32) {
    float weights[4], states[TOGETHER];
#pragma unroll
    for (int g = 0; g < 4; g++) weights[g] = w[g * hidden + k];
#pragma unroll
    for (int n = 0; n < TOGETHER; n++) states[n] = h[n * hidden + k];
#pragma unroll
    for (int g = 0; g < 4; g++)
#pragma unroll
      for (int n = 0; n < TOGETHER; n++) sums[g * TOGETHER + n] = fmaf(weights[g], states[n], sums[g * TOGETHER + n]);
  }
  return reduce(sums);
}

// gates: [B][8H][T], what the inputs add, forward before backward, each input, forget, cell, output. weight: [2][H][4][H]. states: [2][B][2][H]. counters: [2][32].
// Shared: h [STAGED][H], c [B][units], lengths [B], weights [units][4][H] if they fit.
template <bool IN_SHARED>
__device__ __forceinline__ void recurrence(const View<const float> &gates, const View<float> &y, const float *weight, float *states, unsigned *counters, int batch,
                                           int hidden, int units) {
  DYNAMIC_SHARED(float, shared);
  const int direction = blockIdx.y, first = blockIdx.x * units;
  const int own = hidden - first < units ? hidden - first : units;
  float *const h = shared, *const c = h + STAGED * hidden;
  int *const lengths = reinterpret_cast<int *>(c + batch * units);
  const float *w = weight + ((long long)direction * hidden + first) * 4 * hidden;
  if (IN_SHARED) {
    float *const kept = reinterpret_cast<float *>(lengths + batch);
    for (int i = threadIdx.x; i < own * 4 * hidden; i += 32 * WARPS) kept[i] = w[i];
    w = kept;
  }
  for (int i = threadIdx.x; i < batch * units; i += 32 * WARPS) c[i] = 0.0f;
  for (int b = threadIdx.x; b < batch; b += 32 * WARPS) lengths[b] = gates.length(b);
  __syncthreads();
  int steps = 0;
  for (int b = 0; b < batch; b++) steps = lengths[b] > steps ? lengths[b] : steps;
  const int warp = threadIdx.x >> 5, lane = threadIdx.x & 31;
  for (int i = 0; i < steps; i++) {
    const float *const from = states + (long long)(i & 1) * batch * 2 * hidden;
    float *const to = states + (long long)((i + 1) & 1) * batch * 2 * hidden;
    for (int b0 = 0; b0 < batch; b0 += STAGED) {
      const int staged = batch - b0 > TOGETHER ? STAGED : TOGETHER;
      __syncthreads();
      for (int j = threadIdx.x; j < staged * hidden; j += 32 * WARPS) {
        const int b = b0 + j / hidden;
        const bool live = i > 0 && b < batch && i < lengths[b];
        // Not from the L1 cache, which does not see what other processors write.
        h[j] = live ? __ldcg(from + (b * 2 + direction) * hidden + j % hidden) : 0.0f;
      }
      __syncthreads();
      for (int some = 0; some < staged; some += TOGETHER) {
        bool any = false;
        for (int b = b0 + some; b < b0 + some + TOGETHER && b < batch; b++) any |= i < lengths[b];
        if (!any) continue;
        const int b = b0 + some + (lane >> 1 & 3), gate = lane >> 3;
        const bool live = b < batch && i < lengths[b];
        const int t = !live ? 0 : direction ? lengths[b] - 1 - i : i;
        for (int u = warp; u < own; u += WARPS) {
          // Read early: it arrives while the products are summed.
          const float input = live ? gates.row(b, (direction * 4 + gate) * hidden + first + u)[t] : 0.0f;
          const float sum = input + product(w + u * 4 * hidden, h + some * hidden, hidden);
          float v[4];
#pragma unroll
          for (int g = 0; g < 4; g++) v[g] = __shfl_sync(0xffffffffu, sum, 8 * g + (lane & 7));
          if (live && lane < 8 && (lane & 1) == 0) {
            const float cell = sigmoid(v[1]) * c[b * units + u] + sigmoid(v[0]) * tanhf(v[2]);
            const float state = sigmoid(v[3]) * tanhf(cell);
            c[b * units + u] = cell;
            to[(b * 2 + direction) * hidden + first + u] = state;
            y.row(b, direction * hidden + first + u)[t] = state;
          }
        }
      }
    }
    if (i + 1 < steps) grid_barrier(counters + 32 * direction, gridDim.x);
  }
}

}  // namespace lstm

// Grid: (blocks of `units` units, 2 directions), cooperative.
extern "C" __global__ void __launch_bounds__(256) lstm_f32(View<const float> gates, View<float> y, const float *weight, float *states, unsigned *counters, int batch, int hidden, int units) {
  lstm::recurrence<true>(gates, y, weight, states, counters, batch, hidden, units);
}
// For more weights than shared memory holds: they are read from the L2 cache.
extern "C" __global__ void __launch_bounds__(256) lstm_large_f32(View<const float> gates, View<float> y, const float *weight, float *states, unsigned *counters, int batch, int hidden, int units) {
  lstm::recurrence<false>(gates, y, weight, states, counters, batch, hidden, units);
}
// counters: [2][32]. One block of 64 threads.
extern "C" __global__ void lstm_clear(unsigned *counters) { counters[threadIdx.x] = 0; }
