// The monotonic rational-quadratic spline of neural spline flows, backwards (Durkan et al., 2019), in double as the CPU's: a root near an end of its piece cancels.
//
// A thread takes a step and looks at its 2*bins widths and heights three times (largest, sum, place) instead of keeping knots: they lie in the caches. Some 6*bins
// exponentials in double for 12*bins byte, 10 double flop/byte: arithmetic decides (7.8 TFLOP/s on a V100); with a text's few hundred steps the launch does, 20 us
// for 10 bins (not run on a GPU).
#include "common.cuh"

constexpr double MIN_SHARE = 1e-3;  // least width and height of a piece, as shares of the whole
constexpr double MIN_SLOPE = 1e-3;

struct Piece {
  double left, right;  // knots
  int index;
};

// The piece `wanted` of the knots whose shares are the softmax of scale*u, laid out from -tail_bound to tail_bound; where that is negative the one that `value` is in.
// u: [bins], `stride` values apart.
__device__ __forceinline__ Piece find_piece(const float *u, long long stride, int bins, double scale, double tail_bound, int wanted, double value) {
  double largest = scale * u[0], total = 0.0, at = 0.0;
  for (int i = 1; i < bins; i++) largest = fmax(largest, scale * u[i * stride]);
  for (int i = 0; i < bins; i++) total += exp(scale * u[i * stride] - largest);
  Piece piece = {-tail_bound, -tail_bound, 0};
  for (int i = 0;; i++) {
    at += MIN_SHARE + (1.0 - MIN_SHARE * bins) * exp(scale * u[i * stride] - largest) / total;
    piece.right = i + 1 == bins ? tail_bound : 2.0 * tail_bound * at - tail_bound;
    piece.index = i;
    if (i + 1 == bins || (wanted < 0 ? piece.right > value : i == wanted)) return piece;
    piece.left = piece.right;
  }
}

__device__ __forceinline__ double softplus(double x) { return fmax(x, 0.0) + log1p(exp(-fabs(x))); }

// y, x: [B][1][T], parameters: [B][3*bins-1][T]: widths, heights, slopes at the inner knots. Values beyond tail_bound stay as they are, and so does NaN.
// Grid: (blocks of 64 steps, B).
extern "C" __global__ void __launch_bounds__(64) spline_inverse_f32(View<const float> y, View<const float> parameters, View<float> x, double scale, double tail_bound) {
  const int b = blockIdx.y, t = blockIdx.x * 64 + threadIdx.x, bins = (parameters.channels + 1) / 3;
  if (t >= common_length(y, x, b)) return;
  const double value = y.row(b, 0)[t];
  float *const out = x.row(b, 0) + t;
  if (!(fabs(value) <= tail_bound)) {
    *out = value;
    return;
  }
  const long long stride = parameters.steps;
  const Piece v = find_piece(parameters.row(b, bins) + t, stride, bins, scale, tail_bound, -1, value);
  const Piece u = find_piece(parameters.row(b, 0) + t, stride, bins, scale, tail_bound, v.index, 0.0);
  const double width = u.right - u.left, height = v.right - v.left, slope = height / width;
  // The tails have slope 1.
  const double left = v.index == 0 ? 1.0 : MIN_SLOPE + softplus(parameters.row(b, 2 * bins + v.index - 1)[t]);
  const double right = v.index + 1 == bins ? 1.0 : MIN_SLOPE + softplus(parameters.row(b, 2 * bins + v.index)[t]);
  const double rise = value - v.left, bend = rise * (left + right - 2.0 * slope);
  const double p = bend + height * (slope - left), q = height * left - bend, r = -slope * rise;
  // The root of p*s^2 + q*s + r that lies in 0..1, in the form that does not cancel.
  const double root = 2.0 * r / (-q - sqrt(fmax(q * q - 4.0 * p * r, 0.0)));
  *out = root * width + u.left;
}
