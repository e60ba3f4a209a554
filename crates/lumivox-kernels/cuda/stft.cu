// The short-time Fourier transform and its inverse, for transforms so small that their sums are written out.
//
// Arithmetic intensity: a frame of n_fft 20 every 5 samples takes 800 flops in f64 for 20 bytes read and 88 written, 7 flop/byte, where a V100's balance in f64 is 9;
// with its square roots and arc tangents arithmetic decides, at expected 25-35 % of 7.8 TFLOP/s f64. The inverse takes 500 flops in f32 and 40 transcendental functions
// for the same bytes: expected 40-60 % of 900 GB/s (not run on a GPU).
#include "common.cuh"

namespace stft {

// Parts of a coefficient below this share of the frame's largest are rounding noise, and count as +0: `ROUNDING` in `src/stft.rs`.
constexpr double ROUNDING = 1e-13;

struct Entry { double window, cos, sin; };
struct FloatEntry { float window, cos, sin, window_squared; };

// A block computes `block_frames` frames. x: [B][1][L], table: [n_fft], y: [B][2*bins][F]. Shared: windowed [n_fft][block_frames], parts [2][bins][block_frames],
// thresholds [block_frames].
template <class T>
__device__ __forceinline__ void transform(const View<const float> &x, const View<T> &y, const Entry *table, int n_fft, int hop_length, int block_frames) {
  DYNAMIC_SHARED(double, windowed);
  const int b = blockIdx.z, first = blockIdx.x * block_frames, half = n_fft / 2, bins = half + 1;
  const int frames = y.length(b), last = x.length(b) - 1;
  if (first >= frames) return;
  const int count = frames - first < block_frames ? frames - first : block_frames;
  double *const re = windowed + n_fft * block_frames, *const im = re + bins * block_frames, *const thresholds = im + bins * block_frames;
  const float *const in = x.row(b, 0);
  for (int i = threadIdx.x; i < n_fft * block_frames; i += 256) {
    const int n = i / block_frames, f = i % block_frames;
    int at = (first + f) * hop_length - half + n;
    at = at < 0 ? -at : at;
    at = at > last ? 2 * last - at : at;
    windowed[i] = f < count && at >= 0 ? table[n].window * in[at] : 0.0;
  }
  __syncthreads();
  for (int i = threadIdx.x; i < bins * block_frames; i += 256) {
    const int bin = i / block_frames, f = i % block_frames;
    const double middle = windowed[half * block_frames + f];
    double real = windowed[f] + (bin % 2 == 0 ? middle : -middle), imaginary = 0.0;
    // Samples on both sides of the middle meet the same cosine, and sines that differ in sign.
    for (int n = 1, turn = bin; n < half; n++) {
      turn = turn >= n_fft ? turn - n_fft : turn;
      const double before = windowed[n * block_frames + f], after = windowed[(n_fft - n) * block_frames + f];
      real += (before + after) * table[turn].cos;
      imaginary += (after - before) * table[turn].sin;
      turn += bin;
    }
    re[i] = real;
    im[i] = bin == 0 || bin == half ? 0.0 : imaginary;
  }
  __syncthreads();
  for (int f = threadIdx.x; f < block_frames; f += 256) {
    double largest = 0.0;
    for (int bin = 0; bin < bins; bin++) largest = fmax(largest, fmax(fabs(re[bin * block_frames + f]), fabs(im[bin * block_frames + f])));
    thresholds[f] = ROUNDING * largest;
  }
  __syncthreads();
  for (int i = threadIdx.x; i < bins * block_frames; i += 256) {
    const int bin = i / block_frames, f = i % block_frames;
    if (f >= count) continue;
    const double real = fabs(re[i]) <= thresholds[f] ? 0.0 : re[i], imaginary = fabs(im[i]) <= thresholds[f] ? 0.0 : im[i];
    store(y.row(b, bin) + first + f, static_cast<float>(sqrt(real * real + imaginary * imaginary)));
    store(y.row(b, bins + bin) + first + f, atan2f(static_cast<float>(imaginary), static_cast<float>(real)));
  }
}

// A block computes the samples of `block_hops` hops: first what its frames are made of, then the frames, then their sum. x: [B][2*bins][F], table: [n_fft],
// y: [B][1][(F-1)*hop_length]. Shared: parts [2*bins][capacity], waves [n_fft][capacity].
template <class T>
__device__ __forceinline__ void inverse(const View<const T> &x, const View<float> &y, const FloatEntry *table, int n_fft, int hop_length, int block_hops, int capacity) {
  DYNAMIC_SHARED(float, parts);
  const int b = blockIdx.z, half = n_fft / 2, bins = half + 1, frames = x.length(b);
  const int first_hop = blockIdx.x * block_hops;
  if (first_hop >= frames - 1) return;
  const int end_hop = first_hop + block_hops < frames - 1 ? first_hop + block_hops : frames - 1;
  float *const waves = parts + 2 * bins * capacity;
  // The output begins in the middle of the first frame: samples are counted from that frame's beginning.
  const int begin = first_hop * hop_length + half, end = end_hop * hop_length + half;
  const int first = begin < n_fft ? 0 : (begin - n_fft) / hop_length + 1;
  const int last = (end - 1) / hop_length + 1 < frames ? (end - 1) / hop_length + 1 : frames, count = last - first;
  for (int i = threadIdx.x; i < bins * count; i += 256) {
    const int bin = i / count, f = i % count;
    // Bins between the first and the last stand for two.
    const float share = (bin == 0 || bin == half ? 1.0f : 2.0f) / n_fft;
    const float magnitude = share * expf(load(x.row(b, bin) + first + f)), phase = sinf(load(x.row(b, bins + bin) + first + f));
    parts[bin * capacity + f] = magnitude * cosf(phase);
    parts[(bins + bin) * capacity + f] = magnitude * sinf(phase);
  }
  __syncthreads();
  for (int i = threadIdx.x; i < bins * count; i += 256) {
    const int n = i / count, f = i % count;
    float even = parts[f], odd = 0.0f;
    for (int bin = 1, turn = n; bin < bins; bin++) {
      turn = turn >= n_fft ? turn - n_fft : turn;
      even = fmaf(table[turn].cos, parts[bin * capacity + f], even);
      if (bin < half) odd = fmaf(table[turn].sin, parts[(bins + bin) * capacity + f], odd);
      turn += n;
    }
    waves[n * capacity + f] = (even - odd) * table[n].window;
    if (n > 0 && n < half) waves[(n_fft - n) * capacity + f] = (even + odd) * table[n_fft - n].window;
  }
  __syncthreads();
  for (int sample = begin + threadIdx.x; sample < end; sample += 256) {
    float sum = 0.0f, weight = 0.0f;
    for (int frame = sample < n_fft ? 0 : (sample - n_fft) / hop_length + 1; frame < frames && frame * hop_length <= sample; frame++) {
      const int n = sample - frame * hop_length;
      sum += waves[n * capacity + frame - first];
      weight += table[n].window_squared;
    }
    y.row(b, 0)[sample - half] = sum / weight;
  }
}

}  // namespace stft

// Grid: (blocks of block_frames frames, 1, B).
extern "C" __global__ void __launch_bounds__(256) stft_f32(View<const float> x, View<float> y, const stft::Entry *table, int n_fft, int hop_length, int block_frames) {
  stft::transform(x, y, table, n_fft, hop_length, block_frames);
}
extern "C" __global__ void __launch_bounds__(256) stft_f16(View<const float> x, View<half> y, const stft::Entry *table, int n_fft, int hop_length, int block_frames) {
  stft::transform(x, y, table, n_fft, hop_length, block_frames);
}
// Grid: (blocks of block_hops hops, 1, B).
extern "C" __global__ void __launch_bounds__(256) istft_f32(View<const float> x, View<float> y, const stft::FloatEntry *table, int n_fft, int hop_length, int block_hops, int capacity) {
  stft::inverse(x, y, table, n_fft, hop_length, block_hops, capacity);
}
extern "C" __global__ void __launch_bounds__(256) istft_f16(View<const half> x, View<float> y, const stft::FloatEntry *table, int n_fft, int hop_length, int block_hops, int capacity) {
  stft::inverse(x, y, table, n_fft, hop_length, block_hops, capacity);
}
