// Reproducible normal noise: Philox 4x32-10 and Box-Muller in f64, the values of `src/normal.rs`.
//
// Arithmetic intensity: a block of four values takes 40 integer multiplications, two logarithms and two sine-cosine pairs in f64, some 200 flops for 16 bytes written,
// 13 flop/byte where a V100's balance in f64 is 9 (7.8 TFLOP/s over 900 GB/s): arithmetic decides. Expected 30-40 % of that limit (not run on a GPU).
#include "common.cuh"

// The layout is that of `Keys` in `src/cuda/random.rs`: by value, so that no copy to the device is made.
struct NormalKeys {
  unsigned long long seeds[64];
  unsigned streams[64][2];
};

// Two normal values from two words: radius*(cos, sin).
__device__ __forceinline__ float2 box_muller(unsigned a, unsigned b) {
  constexpr double UNIT = 1.0 / 4294967296.0;
  const double radius = sqrt(-2.0 * log((a + 0.5) * UNIT));
  double sine, cosine;
  sincos(__dmul_rn(6.283185307179586, (b + 0.5) * UNIT), &sine, &cosine);
  return make_float2(static_cast<float>(radius * cosine), static_cast<float>(radius * sine));
}

// y: [B][C][L]; utterance b's value (c, t) has the index c*length(b) + t. Grid: (blocks of 256 times 4 values, 1, B).
extern "C" __global__ void __launch_bounds__(256) normal_f32(View<float> y, float scale, NormalKeys keys) {
  const int b = blockIdx.z, length = y.length(b);
  const unsigned long long block = blockIdx.x * 256ull + threadIdx.x;
  const long long first = 4 * static_cast<long long>(block), count = static_cast<long long>(y.channels) * length;
  if (first >= count) return;
  unsigned words[4] = {static_cast<unsigned>(block), static_cast<unsigned>(block >> 32), keys.streams[b][0], keys.streams[b][1]};
  unsigned key0 = static_cast<unsigned>(keys.seeds[b]), key1 = static_cast<unsigned>(keys.seeds[b] >> 32);
#pragma unroll
  for (int round = 0; round < 10; round++) {
    const unsigned high0 = __umulhi(0xd2511f53u, words[0]), low0 = 0xd2511f53u * words[0];
    const unsigned high1 = __umulhi(0xcd9e8d57u, words[2]), low1 = 0xcd9e8d57u * words[2];
    words[0] = high1 ^ words[1] ^ key0;
    words[1] = low1;
    words[2] = high0 ^ words[3] ^ key1;
    words[3] = low0;
    key0 += 0x9e3779b9u;
    key1 += 0xbb67ae85u;
  }
  const float2 a = box_muller(words[0], words[1]), d = box_muller(words[2], words[3]);
  const float values[4] = {a.x, a.y, d.x, d.y};
  int c = static_cast<int>(first / length), t = static_cast<int>(first % length);
#pragma unroll
  for (int i = 0; i < 4; i++) {
    if (first + i < count) y.row(b, c)[t] = values[i] * scale;
    if (++t == length) c++, t = 0;
  }
}
