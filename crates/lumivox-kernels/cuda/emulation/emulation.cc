// The emulated device: the kernels with their names, and what launches one.
#define LUMIVOX_EMULATION
#include "../lumivox.cu"

asm(".text\n.globl emulation_switch\n.type emulation_switch,@function\nemulation_switch:\n"
    "push %rbp\npush %rbx\npush %r12\npush %r13\npush %r14\npush %r15\n"
    "mov %rsp,(%rdi)\nmov %rsi,%rsp\n"
    "pop %r15\npop %r14\npop %r13\npop %r12\npop %rbx\npop %rbp\nret\n");

// 0, or 1 where there is no such kernel. `kernels.inc` has a line `KERNEL(name)` for each, written when this is compiled.
extern "C" int lumivox_emulate(const char *name, const unsigned *grid, const unsigned *block, size_t shared_bytes, int cooperative, unsigned workers, void **arguments) {
  const uint3 g{grid[0], grid[1], grid[2]}, b{block[0], block[1], block[2]};
#define KERNEL(kernel)                                                                                                 \
  if (strcmp(name, #kernel) == 0) {                                                                                    \
    emulation::launch(g, b, shared_bytes, cooperative, workers, [&] { emulation::call(kernel, arguments); });          \
    return 0;                                                                                                          \
  }
#include "kernels.inc"
  return 1;
}
