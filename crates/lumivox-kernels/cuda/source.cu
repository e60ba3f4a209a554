// The harmonic source: phases at frames, then sines of the phases between them, merged.
//
// Every rounding of a phase is the CPU's (`src/sine_gen.rs`), since at 1e5 radians a unit in the last place is 0.01 radians; so products and sums are spelled out where
// a compiler would fuse them.
//
// Arithmetic intensity: a sample and harmonic reads 4 bytes of noise and takes a sine, 2 multiplications in f64 and some 20 other flops, 6 flop/byte: memory decides.
// Expected 50-70 % of a V100's 900 GB/s for the samples; the phases are a chain over frames, below 0.1 ms for 1000 of them (not run on a GPU).
#include "common.cuh"

// The layout is that of `Parameters` in `src/cuda/source.rs`.
struct SineParameters {
  float sample_rate_hz;
  float position_scale;  // 1/upsample_scale
  int upsample_scale, harmonics;
  float sine_amp, noise_std, voiced_threshold_hz;
  float bias;
};

// phases: [B][harmonics][F]. Grid: (blocks of 32 of B*harmonics).
extern "C" __global__ void __launch_bounds__(32) sine_phases(View<const float> f0, float *__restrict__ phases, int batch, SineParameters p) {
  constexpr int AHEAD = 8;  // frames that are read together
  const int row = blockIdx.x * 32 + threadIdx.x;
  if (row >= batch * p.harmonics) return;
  const int b = row / p.harmonics, frames = f0.length(b);
  const float harmonic = row % p.harmonics + 1;
  const float *__restrict__ const hz = f0.row(b, 0);
  float *const out = phases + (long long)row * f0.steps;
  double cycles = 0.0;
  for (int first = 0; first < frames; first += AHEAD) {
    float ahead[AHEAD];
#pragma unroll
    for (int i = 0; i < AHEAD; i++) ahead[i] = first + i < frames ? hz[first + i] : 0.0f;
#pragma unroll
    for (int i = 0; i < AHEAD; i++) {
      float turns = fmodf(__fdiv_rn(__fmul_rn(ahead[i], harmonic), p.sample_rate_hz), 1.0f);
      if (turns < 0.0f) turns = __fadd_rn(turns, 1.0f);
      cycles = __dadd_rn(cycles, turns);
      const float radians = __fmul_rn(__fmul_rn(__double2float_rn(cycles), 2.0f), 3.14159265358979f);
      if (first + i < frames) out[first + i] = __fmul_rn(radians, p.upsample_scale);
    }
  }
}

// noise: [B][1][F*upsample_scale*harmonics], phases: [B][harmonics][F], weight: [harmonics] → y: [B][1][F*upsample_scale]. Grid: (blocks of 256 samples, 1, B).
extern "C" __global__ void __launch_bounds__(256) sine_merged(View<const float> f0, View<const float> noise, const float *phases, View<float> y, const float *weight, SineParameters p) {
  const int b = blockIdx.z, sample = blockIdx.x * 256 + threadIdx.x, frames = f0.length(b);
  if (sample >= frames * p.upsample_scale) return;
  const float place = fmaxf(__fsub_rn(__fmul_rn(p.position_scale, __fadd_rn(__int2float_rn(sample), 0.5f)), 0.5f), 0.0f);
  const int low = static_cast<int>(place), high = low + 1 < frames ? low + 1 : frames - 1;
  const float share = __fsub_rn(place, __int2float_rn(low)), rest = __fsub_rn(1.0f, share);
  const bool voiced = f0.row(b, 0)[sample / p.upsample_scale] > p.voiced_threshold_hz;
  const float noise_amp = voiced ? p.noise_std : p.sine_amp / 3.0f;
  const float *const own_noise = noise.row(b, 0) + (long long)sample * p.harmonics;
  float sum = p.bias;
  for (int harmonic = 0; harmonic < p.harmonics; harmonic++) {
    float value = noise_amp * own_noise[harmonic];
    if (voiced) {
      const float *const own = phases + ((long long)b * p.harmonics + harmonic) * f0.steps;
      // The first product is exact in f64.
      const double sum_of_shares = __dadd_rn(__dmul_rn(rest, own[low]), __fmul_rn(share, own[high]));
      const double phase = __double2float_rn(sum_of_shares);
      const double turns = rint(__dmul_rn(phase, 1.0 / 6.283185307179586));
      value += p.sine_amp * sinf(__double2float_rn(__dsub_rn(phase, __dmul_rn(turns, 6.283185307179586))));
    }
    sum = fmaf(weight[harmonic], value, sum);
  }
  y.row(b, 0)[sample] = tanhf(sum);
}
