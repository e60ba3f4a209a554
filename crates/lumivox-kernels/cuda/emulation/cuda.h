// CUDA on the host, for tests: the kernels' own sources compiled by a C++ compiler. Every CUDA thread is a fiber. The fibers of a warp run one after another up to
// the next point where they must meet, so a missing barrier shows as a wrong result; shared memory begins as NaN. Blocks run one after another, on several
// operating system threads; those of a cooperative launch all at once, on one.
#pragma once
#include <atomic>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))
#define __launch_bounds__(...)
#define __restrict__ __restrict
#define __constant__ static const
#define DYNAMIC_SHARED(T, name) T *name = reinterpret_cast<T *>(emulation::current->block->shared.data())

struct uint3 { unsigned x, y, z; };
struct alignas(8) float2 { float x, y; };
struct alignas(16) float4 { float x, y, z, w; };
struct alignas(16) double2 { double x, y; };
inline float2 make_float2(float x, float y) { return {x, y}; }
inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
inline double2 make_double2(double x, double y) { return {x, y}; }
using half = _Float16;
inline float __half2float(half x) { return x; }
inline half __float2half(float x) { return static_cast<half>(x); }
inline int min(int a, int b) { return a < b ? a : b; }
inline int max(int a, int b) { return a > b ? a : b; }
inline float rsqrtf(float x) { return 1.0f / sqrtf(x); }
// Rounded operations, which a compiler must not fuse.
template <class T> T emulation_rounded(T x) {
  asm volatile("" : "+x"(x));
  return x;
}
inline float __fadd_rn(float a, float b) { return emulation_rounded(a + b); }
inline float __fsub_rn(float a, float b) { return emulation_rounded(a - b); }
inline float __fmul_rn(float a, float b) { return emulation_rounded(a * b); }
inline float __fdiv_rn(float a, float b) { return emulation_rounded(a / b); }
inline double __dadd_rn(double a, double b) { return emulation_rounded(a + b); }
inline double __dsub_rn(double a, double b) { return emulation_rounded(a - b); }
inline double __dmul_rn(double a, double b) { return emulation_rounded(a * b); }
inline float __double2float_rn(double x) { return static_cast<float>(x); }
inline float __int2float_rn(int x) { return static_cast<float>(x); }
template <class T> T __ldcg(const T *p) { return *p; }
inline unsigned __umulhi(unsigned a, unsigned b) { return static_cast<unsigned>((static_cast<uint64_t>(a) * b) >> 32); }

// A System V x86-64 switch of stacks: what the called function must keep is kept on the stack that is left.
extern "C" void emulation_switch(void **save, void *load);

namespace emulation {

enum Waiting { NOT, BLOCK, WARP, GRID };

struct Block;
struct Fiber {
  void *stack_pointer = nullptr;
  std::unique_ptr<char[]> stack;
  Block *block = nullptr;
  uint3 index{};
  unsigned number = 0;
  bool done = false;
  Waiting waiting = NOT;
  unsigned char slot[8];    // what a shuffle hands over
  const void *parts = nullptr;  // what a warp's matrix operation hands over
};

struct Block {
  std::vector<Fiber> fibers;
  std::vector<char> storage;
  struct Shared {
    char *at = nullptr;
    char *data() const { return at; }
  } shared;
  uint3 index{};
  unsigned threads = 0;
  size_t shared_bytes = 0;
};

inline thread_local Fiber *current = nullptr;
inline thread_local void *scheduler = nullptr;
inline thread_local const std::function<void()> *body = nullptr;
inline thread_local uint3 block_size{}, grid_size{};
inline thread_local unsigned turn = 1;

constexpr size_t STACK_BYTES = 64 << 10;

[[noreturn]] inline void fail(const char *what) {
  const uint3 b = current ? current->block->index : uint3{};
  fprintf(stderr, "emulated kernel, block (%u, %u, %u): %s\n", b.x, b.y, b.z, what);
  abort();
}
inline void leave() { emulation_switch(&current->stack_pointer, scheduler); }
inline void meet(Waiting what) {
  current->waiting = what;
  leave();
}
inline void run() {
  (*body)();
  current->done = true;
  leave();
  abort();
}
inline void resume(Fiber &fiber) {
  current = &fiber;
  fiber.waiting = NOT;
  emulation_switch(&scheduler, fiber.stack_pointer);
}
inline void begin(Block &block, uint3 index, size_t shared_bytes) {
  block.index = index;
  block.shared_bytes = shared_bytes;
  block.threads = block_size.x * block_size.y * block_size.z;
  if (block.fibers.size() < block.threads) block.fibers = std::vector<Fiber>(block.threads);
  block.storage.assign(shared_bytes + 256, static_cast<char>(0xff));
  block.shared.at = reinterpret_cast<char *>((reinterpret_cast<uintptr_t>(block.storage.data()) + 127) & ~uintptr_t(127));
  for (unsigned i = 0; i < block.threads; i++) {
    Fiber &fiber = block.fibers[i];
    if (!fiber.stack) fiber.stack.reset(new char[STACK_BYTES]);
    fiber.block = &block;
    fiber.number = i;
    fiber.index = {i % block_size.x, i / block_size.x % block_size.y, i / (block_size.x * block_size.y)};
    fiber.done = false;
    fiber.waiting = NOT;
    void **top = reinterpret_cast<void **>((reinterpret_cast<uintptr_t>(fiber.stack.get()) + STACK_BYTES) & ~uintptr_t(63));
    *--top = nullptr;
    *--top = reinterpret_cast<void *>(run);
    for (int r = 0; r < 6; r++) *--top = nullptr;
    fiber.stack_pointer = top;
  }
}
// Runs a block until its threads are done, or all that are left wait for the grid.
inline bool advance(Block &block) {
  for (;;) {
    unsigned done = 0, at_block = 0, at_grid = 0;
    // Now the first warp goes first, now the last: no kernel may rely on it.
    turn = turn * 1664525u + 1013904223u;
    const bool backwards = turn >> 31;
    const unsigned warps = (block.threads + 31) / 32;
    for (unsigned warp = 0; warp < warps; warp++) {
      const unsigned first = 32 * (backwards ? warps - 1 - warp : warp);
      const unsigned end = first + 32 < block.threads ? first + 32 : block.threads;
      for (unsigned i = first; i < end; i++)
        if (!block.fibers[i].done) resume(block.fibers[i]);
      for (;;) {
        unsigned live = 0, at_warp = 0;
        for (unsigned i = first; i < end; i++) {
          live += !block.fibers[i].done;
          at_warp += !block.fibers[i].done && block.fibers[i].waiting == WARP;
        }
        if (at_warp == 0) break;
        if (at_warp != live || live != end - first) fail("lanes of a warp meet without the others");
        for (unsigned i = first; i < end; i++) resume(block.fibers[i]);
      }
      for (unsigned i = first; i < end; i++) {
        done += block.fibers[i].done;
        at_block += !block.fibers[i].done && block.fibers[i].waiting == BLOCK;
        at_grid += !block.fibers[i].done && block.fibers[i].waiting == GRID;
      }
    }
    if (done == block.threads) {
      const char *const end = block.storage.data() + block.storage.size();
      for (const char *byte = block.shared.at + block.shared_bytes; byte < end; byte++)
        if (*byte != static_cast<char>(0xff)) fail("more shared memory is written than was asked for");
      return true;
    }
    if (done != 0) fail("threads ended in front of a barrier");
    if (at_grid == block.threads) return false;
    if (at_block != block.threads) fail("threads wait at different barriers");
  }
}
inline uint3 position(size_t i, uint3 grid) {
  return {unsigned(i % grid.x), unsigned(i / grid.x % grid.y), unsigned(i / (size_t(grid.x) * grid.y))};
}
inline void launch(uint3 grid, uint3 block, size_t shared_bytes, bool cooperative, unsigned workers, const std::function<void()> &kernel) {
  const size_t blocks = size_t(grid.x) * grid.y * grid.z;
  if (cooperative) {
    body = &kernel, block_size = block, grid_size = grid;
    std::vector<Block> all(blocks);
    for (size_t i = 0; i < blocks; i++) begin(all[i], position(i, grid), shared_bytes);
    for (size_t done = 0; done < blocks;) {
      done = 0;
      for (Block &each : all) done += advance(each);
      if (done != 0 && done != blocks) fail("blocks ended in front of a barrier of the grid");
    }
    current = nullptr;
    return;
  }
  std::atomic<size_t> next{0};
  auto work = [&] {
    body = &kernel, block_size = block, grid_size = grid;
    static thread_local Block own;
    for (size_t i; (i = next.fetch_add(1)) < blocks;) {
      begin(own, position(i, grid), shared_bytes);
      if (!advance(own)) fail("a barrier of the grid in a launch that is not cooperative");
    }
    current = nullptr;
  };
  std::vector<std::thread> threads;
  for (unsigned i = 1; i < workers && i < blocks; i++) threads.emplace_back(work);
  work();
  for (std::thread &thread : threads) thread.join();
}
template <class T> T shuffle(T v, unsigned lane) {
  static_assert(sizeof(T) <= 8);
  memcpy(current->slot, &v, sizeof v);
  meet(WARP);
  memcpy(&v, current->block->fibers[(current->number & ~31u) + (lane & 31)].slot, sizeof v);
  meet(WARP);
  return v;
}
// Calls `kernel` with its arguments from an array of pointers to them, as cuLaunchKernel takes them.
template <class... Args, size_t... I> void call(void (*kernel)(Args...), void **arguments, std::index_sequence<I...>) {
  kernel(*static_cast<std::remove_reference_t<Args> *>(arguments[I])...);
}
template <class... Args> void call(void (*kernel)(Args...), void **arguments) { call(kernel, arguments, std::index_sequence_for<Args...>{}); }

}  // namespace emulation

#define threadIdx (emulation::current->index)
#define blockIdx (emulation::current->block->index)
#define blockDim emulation::block_size
#define gridDim emulation::grid_size
#define __syncthreads() emulation::meet(emulation::BLOCK)
#define __syncwarp() emulation::meet(emulation::WARP)
template <class T> T __shfl_xor_sync(unsigned, T v, int mask) { return emulation::shuffle(v, (emulation::current->number & 31) ^ mask); }
template <class T> T __shfl_sync(unsigned, T v, int lane) { return emulation::shuffle(v, lane); }
template <class T> T __shfl_up_sync(unsigned, T v, unsigned delta) {
  const unsigned lane = emulation::current->number & 31;
  return emulation::shuffle(v, lane >= delta ? lane - delta : lane);
}
// All threads of a cooperative launch meet; `counter` is what the real barrier counts in, and whether it would is checked.
inline void grid_barrier(unsigned *counter, unsigned blocks) {
  const bool counts = emulation::current->number == 0;
  const unsigned round_end = counts ? ((*counter)++ / blocks + 1) * blocks : 0;
  if (round_end > 1u << 30) emulation::fail("a barrier's counter did not begin as 0");
  emulation::meet(emulation::GRID);
  if (counts && (*counter < round_end || *counter >= round_end + blocks)) emulation::fail("other blocks than expected count in a barrier");
}

// Fragments of 16 x 16 x 16: lane l holds the eight values of row l/2 from column 8*(l%2) on, and a product reads those of all lanes.
namespace nvcuda::wmma {
struct matrix_a {};
struct matrix_b {};
struct accumulator {};
struct row_major {};
struct col_major {};
enum layout_t { mem_row_major, mem_col_major };
template <class Use, int M, int N, int K, class T, class Layout = void> struct fragment {
  static_assert(M == 16 && N == 16 && K == 16);
  float x[8];  // halves are exact as floats, and faster to compute with
};
inline unsigned lane() { return emulation::current->number & 31; }
template <class F, class V> void fill_fragment(F &f, V v) {
  for (auto &x : f.x) x = v;
}
template <class Use, class T, class Layout> void load_matrix_sync(fragment<Use, 16, 16, 16, T, Layout> &f, const T *p, unsigned ld) {
  if (reinterpret_cast<uintptr_t>(p) % 32 != 0 || ld * sizeof(T) % 16 != 0) emulation::fail("a fragment is not aligned");
  emulation::meet(emulation::WARP);
  const unsigned row = lane() / 2, column = lane() % 2 * 8;
  for (unsigned i = 0; i < 8; i++) f.x[i] = std::is_same_v<Layout, row_major> ? p[row * ld + column + i] : p[(column + i) * ld + row];
}
template <class T> void store_matrix_sync(T *p, const fragment<accumulator, 16, 16, 16, T> &f, unsigned ld, layout_t layout) {
  if (layout != mem_row_major) emulation::fail("only rows are stored");
  emulation::meet(emulation::WARP);
  // Others may not have stored their part yet when this lane goes on.
  for (unsigned i = 0; i < 8; i++) p[lane() / 2 * ld + lane() % 2 * 8 + i] = f.x[i];
}
template <class D, class A, class B> void mma_sync(D &d, const A &a, const B &b, const D &c) {
  struct Parts { const A *a; const B *b; } mine{&a, &b};
  emulation::current->parts = &mine;
  emulation::meet(emulation::WARP);
  const unsigned row = lane() / 2, column = lane() % 2 * 8;
  const emulation::Fiber *const warp = &emulation::current->block->fibers[emulation::current->number & ~31u];
  float sums[8];
  for (unsigned i = 0; i < 8; i++) sums[i] = c.x[i];
  for (unsigned k = 0; k < 16; k++) {
    const float v = static_cast<const Parts *>(warp[row * 2 + k / 8].parts)->a->x[k % 8];
    const B &other = *static_cast<const Parts *>(warp[k * 2 + column / 8].parts)->b;
    for (unsigned i = 0; i < 8; i++) sums[i] += v * other.x[i];
  }
  emulation::meet(emulation::WARP);
  for (unsigned i = 0; i < 8; i++) d.x[i] = sums[i];
}
}  // namespace nvcuda::wmma
