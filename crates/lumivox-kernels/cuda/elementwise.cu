// What is done value by value: copies with a change of type, sums with a late signal, sums with one value for each channel.
//
// Memory decides: one flop at most for 8 to 12 byte in f32. Expected 80-88 % of the V100's 900 GB/s for signals beyond 4 MB (not run on a GPU).
#include "common.cuh"

// y = x. Both [B][C][L]. Grid of all here: (blocks of 256 steps, C, B).
template <class From, class To> __device__ __forceinline__ void copy_values(const View<const From> &x, const View<To> &y) {
  const int b = blockIdx.z, c = blockIdx.y, t = blockIdx.x * 256 + threadIdx.x;
  if (t < common_length(x, y, b)) store(y.row(b, c) + t, load(x.row(b, c) + t));
}
extern "C" __global__ void __launch_bounds__(256) copy_f32_f32(View<const float> x, View<float> y) { copy_values(x, y); }
extern "C" __global__ void __launch_bounds__(256) copy_f32_f16(View<const float> x, View<half> y) { copy_values(x, y); }
extern "C" __global__ void __launch_bounds__(256) copy_f16_f32(View<const half> x, View<float> y) { copy_values(x, y); }
extern "C" __global__ void __launch_bounds__(256) copy_f16_f16(View<const half> x, View<half> y) { copy_values(x, y); }

// y[t] = x. x: [B][C][1], y: [B][C][L].
extern "C" __global__ void __launch_bounds__(256) broadcast_f32(View<const float> x, View<float> y) {
  const int b = blockIdx.z, c = blockIdx.y, t = blockIdx.x * 256 + threadIdx.x;
  if (t < y.length(b)) y.row(b, c)[t] = *x.row(b, c);
}

// y[t] += x[|t - delay|]. y: [B][C][L], x: [B][C][L-delay].
template <class T> __device__ __forceinline__ void add_delayed(const View<T> &y, const View<const T> &x, int delay) {
  const int b = blockIdx.z, c = blockIdx.y, t = blockIdx.x * 256 + threadIdx.x, from = t < delay ? delay - t : t - delay;
  if (t >= y.length(b) || from >= x.length(b)) return;
  T *const sum = y.row(b, c) + t;
  store(sum, load(sum) + load(x.row(b, c) + from));
}
extern "C" __global__ void __launch_bounds__(256) add_delayed_f32(View<float> y, View<const float> x, int delay) { add_delayed<float>(y, x, delay); }
extern "C" __global__ void __launch_bounds__(256) add_delayed_f16(View<half> y, View<const half> x, int delay) { add_delayed<half>(y, x, delay); }

// x[t] += condition. x: [B][C][L], condition: [B][C][1].
template <class T> __device__ __forceinline__ void broadcast_add(const View<T> &x, const View<const float> &condition) {
  const int b = blockIdx.z, c = blockIdx.y, t = blockIdx.x * 256 + threadIdx.x;
  if (t >= x.length(b)) return;
  T *const sum = x.row(b, c) + t;
  store(sum, load(sum) + *condition.row(b, c));
}
extern "C" __global__ void __launch_bounds__(256) broadcast_add_f32(View<float> x, View<const float> condition) { broadcast_add<float>(x, condition); }
extern "C" __global__ void __launch_bounds__(256) broadcast_add_f16(View<half> x, View<const float> condition) { broadcast_add<half>(x, condition); }
