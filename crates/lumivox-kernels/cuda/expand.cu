// From tokens to frames: embeddings, durations, and each token repeated for its frames.
//
// Arithmetic intensity: below 1 flop/byte but for the durations, which are tiny, and the prior's exponentials: memory decides. Expected 60-80 % of a V100's 900 GB/s
// for long signals; for those of one utterance the launch itself, some 3 us (not run on a GPU).
#include "common.cuh"

namespace expansion {

constexpr int CHANNELS = 16;  // of a block

// The token that frame `frame` belongs to: the first whose frames end behind it. ends: [T].
__device__ __forceinline__ int token_at(const unsigned *ends, int tokens, unsigned frame) {
  int low = 0, high = tokens - 1;
  while (low < high) {
    const int middle = (low + high) / 2;
    if (ends[middle] > frame) high = middle;
    else low = middle + 1;
  }
  return low;
}

// Durations as they lie in memory: totals [B], counts [B], frames [B][T], ends [B][T].
struct Layout {
  unsigned *totals, *counts, *frames, *ends;
  __device__ Layout(unsigned *durations, int batch, int tokens)
      : totals(durations), counts(durations + batch), frames(durations + 2 * batch), ends(durations + 2 * batch + (long long)batch * tokens) {}
};

// The most frames of a token: what is more is no speech, and sums stay below 2^32.
constexpr float MAX_FRAMES = 1048576.0f;

// `frames_of(t)` for each token of utterance b, and their sums, by a block of 256 threads. Shared: [8].
template <class F> __device__ __forceinline__ void sum_up(const Layout &durations, int b, int tokens, int count, F frames_of) {
  DYNAMIC_SHARED(unsigned, warp_sums);
  const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
  unsigned before = 0;
  for (int first = 0; first < count; first += 256) {
    const int t = first + threadIdx.x;
    const unsigned frames = t < count ? frames_of(t) : 0;
    unsigned end = frames;
    for (int delta = 1; delta < 32; delta <<= 1) {
      const unsigned other = __shfl_up_sync(0xffffffffu, end, delta);
      if (lane >= delta) end += other;
    }
    if (lane == 31) warp_sums[warp] = end;
    __syncthreads();
    unsigned all = 0;
    for (int w = 0; w < 8; w++) {
      if (w < warp) end += warp_sums[w];
      all += warp_sums[w];
    }
    __syncthreads();
    if (t < count) {
      durations.frames[(long long)b * tokens + t] = frames;
      durations.ends[(long long)b * tokens + t] = before + end;
    }
    before += all;
  }
  if (threadIdx.x == 0) {
    durations.totals[b] = before;
    durations.counts[b] = count;
  }
}

// x: [B][C][T] → y: [B][C][F].
template <class T> __device__ __forceinline__ void expand(const View<const T> &x, const View<T> &y, unsigned *memory, int batch) {
  const int b = blockIdx.z, frame = blockIdx.x * 256 + threadIdx.x, first = blockIdx.y * CHANNELS;
  const Layout durations(memory, batch, x.steps);
  if (frame >= y.steps || static_cast<unsigned>(frame) >= durations.totals[b]) return;
  const int token = token_at(durations.ends + (long long)b * x.steps, durations.counts[b], frame);
  for (int c = first; c < first + CHANNELS && c < x.channels; c++) y.row(b, c)[frame] = x.row(b, c)[token];
}

}  // namespace expansion

// table: [N][C], positions: [>= T][C] or none, ids: [B][T] → y: [B][C][T]. Shared: [32][33]. Grid: (blocks of 32 tokens, blocks of 32 channels, B).
extern "C" __global__ void __launch_bounds__(256) embedding_f32(const float *table, const float *positions, const unsigned *ids, View<float> y, float scale) {
  DYNAMIC_SHARED(float, tile);
  const int b = blockIdx.z, first = blockIdx.x * 32, first_channel = blockIdx.y * 32, lane = threadIdx.x & 31;
  const int count = y.length(b);
  if (first >= count) return;
  for (int i = threadIdx.x >> 5; i < 32; i += 8) {
    const int t = first + i, c = first_channel + lane;
    if (t >= count || c >= y.channels) continue;
    float v = table[(long long)ids[(long long)b * y.steps + t] * y.channels + c];
    if (positions) v += positions[(long long)t * y.channels + c];
    tile[i * 33 + lane] = v * scale;
  }
  __syncthreads();
  for (int i = threadIdx.x >> 5; i < 32; i += 8) {
    const int t = first + lane, c = first_channel + i;
    if (t < count && c < y.channels) y.row(b, c)[t] = tile[lane * 33 + i];
  }
}

// logits: [B][max_dur][T]. Shared: [8]. Grid: (1, 1, B).
extern "C" __global__ void __launch_bounds__(256) durations_from_logits(View<const float> logits, unsigned *durations, int batch, float speed) {
  const int b = blockIdx.z;
  const expansion::Layout layout(durations, batch, logits.steps);
  expansion::sum_up(layout, b, logits.steps, logits.length(b), [&](int t) {
    float sum = 0.0f;
    for (int c = 0; c < logits.channels; c++) sum += sigmoid(logits.row(b, c)[t]);
    return static_cast<unsigned>(fminf(fmaxf(rintf(__fdiv_rn(sum, speed)), 1.0f), expansion::MAX_FRAMES));
  });
}

// logw: [B][1][T]. Shared: [8]. Grid: (1, 1, B).
extern "C" __global__ void __launch_bounds__(256) durations_from_logs(View<const float> logw, unsigned *durations, int batch, float length_scale) {
  const int b = blockIdx.z;
  const expansion::Layout layout(durations, batch, logw.steps);
  expansion::sum_up(layout, b, logw.steps, logw.length(b), [&](int t) {
    const float frames = ceilf(__fmul_rn(expf(logw.row(b, 0)[t]), length_scale));
    return static_cast<unsigned>(fminf(fmaxf(frames, 0.0f), expansion::MAX_FRAMES));
  });
}

// Grid: (blocks of 256 frames, blocks of 16 channels, B).
extern "C" __global__ void __launch_bounds__(256) expand_f32(View<const float> x, View<float> y, unsigned *durations, int batch) {
  expansion::expand(x, y, durations, batch);
}
extern "C" __global__ void __launch_bounds__(256) expand_f16(View<const half> x, View<half> y, unsigned *durations, int batch) {
  expansion::expand(x, y, durations, batch);
}

// stats: [B][2C][T] of means and then logarithms of deviations, noise and y: [B][C][F]. Grid: (blocks of 256 frames, blocks of 16 channels, B).
extern "C" __global__ void __launch_bounds__(256) sample_prior_f32(View<const float> stats, View<const float> noise, View<float> y, unsigned *memory, int batch) {
  const int b = blockIdx.z, frame = blockIdx.x * 256 + threadIdx.x, first = blockIdx.y * expansion::CHANNELS;
  const expansion::Layout durations(memory, batch, stats.steps);
  if (frame >= y.steps || static_cast<unsigned>(frame) >= durations.totals[b]) return;
  const int token = expansion::token_at(durations.ends + (long long)b * stats.steps, durations.counts[b], frame);
  for (int c = first; c < first + expansion::CHANNELS && c < y.channels; c++)
    y.row(b, c)[frame] = fmaf(expf(stats.row(b, y.channels + c)[token]), noise.row(b, c)[frame], stats.row(b, c)[token]);
}
