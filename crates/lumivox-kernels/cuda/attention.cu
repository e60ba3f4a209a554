// Self-attention over channel-major tokens, with or without relative positions, one block for 32 queries of a head.
//
//   y[c][i] = sum over j of softmax_j( q_i.k_j/sqrt(d) + q_i.keys[j-i]/sqrt(d) ) * (v[c][j] + values[c][j-i]),  the last terms where |j-i| <= window
//
// Keys and values come tile by tile, and sums are scaled anew whenever a tile has a larger score (online softmax: Milakov and Gimelshein, 2018), so any number of
// tokens takes the same shared memory. What a distance adds is kept apart, as scores, until the largest one is known.
//
// Arithmetic intensity: 4*32*T*d flops for the 8*T*d bytes of keys and values that a block reads, from the L2 cache but for the first: 16 flop/byte in f32, so arithmetic
// decides, and of that the reads of shared memory, two for four multiplications: expected 30-40 % of the V100's f32 limit of 15.7 TFLOP/s from 512 tokens on; shorter
// inputs do not fill it (not run on a GPU).
#include "common.cuh"

constexpr int QUERIES = 32;                  // of a block: a lane each
constexpr int KEYS = 32;                     // of a tile, four for each of eight warps
constexpr int HEAD_CHANNELS_A_WARP = 16;     // at most: heads have up to 128
constexpr float NO_SCORE = -3.0e38f;         // below all

// One tile of d rows, [d][KEYS], zero behind the last token. rows: channel `first` of utterance b.
template <class T> __device__ __forceinline__ void load_tile(const View<const T> &x, int b, int first, int d, int start, int tokens, float *tile) {
  const int lane = threadIdx.x & 31, j = start + lane;
  for (int c = threadIdx.x >> 5; c < d; c += 8) tile[c * KEYS + lane] = j < tokens ? load(x.row(b, first + c) + j) : 0.0f;
}

// x: [B][3*heads*d][T] = [q | k | v], y: [B][heads*d][T], keys, values: [2*window+1][d] or none.
// Shared: q [d][QUERIES], a tile [d][KEYS], weights [KEYS][QUERIES], largest [8][QUERIES], by_distance [2*window+1][QUERIES]. Grid: (blocks of 32 queries, heads, B).
template <class T>
__device__ __forceinline__ void attention(const View<const T> &x, const View<T> &y, const float *__restrict__ keys, const float *__restrict__ values, int window) {
  DYNAMIC_SHARED(float, shared);
  const int d = y.channels / gridDim.y, distances = keys ? 2 * window + 1 : 0;
  float *const q = shared, *const tile = q + d * QUERIES, *const weights = tile + d * KEYS;
  float *const partial = weights + KEYS * QUERIES, *const by_distance = partial + 8 * QUERIES;
  const int b = blockIdx.z, head = blockIdx.y * d, tokens = common_length(x, y, b);
  if ((int)blockIdx.x * QUERIES >= tokens) return;
  const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, query = blockIdx.x * QUERIES + lane;
  const float scale = 1.0f / sqrtf((float)d);
  for (int c = warp; c < d; c += 8) q[c * QUERIES + lane] = query < tokens ? load(x.row(b, head + c) + query) * scale : 0.0f;
  __syncthreads();
  for (int r = warp; r < distances; r += 8) {
    float sum = 0.0f;
    for (int c = 0; c < d; c++) sum = fmaf(q[c * QUERIES + lane], keys[r * d + c], sum);
    by_distance[r * QUERIES + lane] = sum;
  }
  float largest = NO_SCORE, total = 0.0f, sums[HEAD_CHANNELS_A_WARP] = {};
  for (int start = 0; start < tokens; start += KEYS) {
    load_tile(x, b, y.channels + head, d, start, tokens, tile);
    __syncthreads();
    float s[4] = {};
    for (int c = 0; c < d; c++) {
      const float v = q[c * QUERIES + lane];
      const float4 k = *reinterpret_cast<const float4 *>(tile + c * KEYS + 4 * warp);
      s[0] = fmaf(v, k.x, s[0]);
      s[1] = fmaf(v, k.y, s[1]);
      s[2] = fmaf(v, k.z, s[2]);
      s[3] = fmaf(v, k.w, s[3]);
    }
    float before = largest;
#pragma unroll
    for (int i = 0; i < 4; i++) {
      const int j = start + 4 * warp + i, distance = j - query + window;
      if (distance >= 0 && distance < distances) {
        float *const kept = by_distance + distance * QUERIES + lane;
        s[i] += *kept;
        *kept = s[i];
      }
      if (j >= tokens) s[i] = NO_SCORE;
      largest = fmaxf(largest, s[i]);
    }
    partial[warp * QUERIES + lane] = largest;
    __syncthreads();
    for (int w = 0; w < 8; w++) largest = fmaxf(largest, partial[w * QUERIES + lane]);
#pragma unroll
    for (int i = 0; i < 4; i++) weights[(4 * warp + i) * QUERIES + lane] = expf(s[i] - largest);
    load_tile(x, b, 2 * y.channels + head, d, start, tokens, tile);
    __syncthreads();
    before = expf(before - largest);
    total *= before;
#pragma unroll
    for (int i = 0; i < HEAD_CHANNELS_A_WARP; i++) sums[i] *= before;
    for (int j = 0; j < KEYS; j += 4) {
      const float *const p = weights + j * QUERIES + lane;
      const float p0 = p[0], p1 = p[QUERIES], p2 = p[2 * QUERIES], p3 = p[3 * QUERIES];
      total += (p0 + p1) + (p2 + p3);
#pragma unroll
      for (int i = 0; i < HEAD_CHANNELS_A_WARP; i++) {
        if (warp + 8 * i < d) {
          const float4 v = *reinterpret_cast<const float4 *>(tile + (warp + 8 * i) * KEYS + j);
          sums[i] = fmaf(p0, v.x, fmaf(p1, v.y, fmaf(p2, v.z, fmaf(p3, v.w, sums[i]))));
        }
      }
    }
    __syncthreads();
  }
  for (int r = 0; r < distances; r++) {
    const int j = query + r - window;
    if (query >= tokens || j < 0 || j >= tokens) continue;
    const float p = expf(by_distance[r * QUERIES + lane] - largest);
#pragma unroll
    for (int i = 0; i < HEAD_CHANNELS_A_WARP; i++)
      if (warp + 8 * i < d) sums[i] = fmaf(p, values[r * d + warp + 8 * i], sums[i]);
  }
  if (query >= tokens) return;
#pragma unroll
  for (int i = 0; i < HEAD_CHANNELS_A_WARP; i++)
    if (warp + 8 * i < d) store(y.row(b, head + warp + 8 * i) + query, sums[i] / total);
}
extern "C" __global__ void __launch_bounds__(256) attention_f32(View<const float> x, View<float> y, const float *keys, const float *values, int window) {
  attention<float>(x, y, keys, values, window);
}
extern "C" __global__ void __launch_bounds__(256) attention_f16(View<const half> x, View<half> y, const float *keys, const float *values, int window) {
  attention<half>(x, y, keys, values, window);
}
