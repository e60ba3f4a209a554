// All kernels, as one module.
#include "conv1d.cu"
#include "expand.cu"
#include "lstm.cu"
#include "random.cu"
#include "source.cu"
#include "stft.cu"
