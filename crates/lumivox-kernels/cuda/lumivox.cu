// All kernels, as one module.
#include "attention.cu"
#include "conv1d.cu"
#include "elementwise.cu"
#include "gate.cu"
#include "norm.cu"
#include "spline.cu"
