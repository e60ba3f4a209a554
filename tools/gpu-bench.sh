#!/usr/bin/env bash
# On a machine with an NVIDIA GPU: builds, compares every kernel and both graphs with the CPU, and times lumivox against other engines. docs/gpu.md is its manual.
#
# usage: tools/gpu-bench.sh WORK [ROUNDS]
#
# WORK is a folder outside of the repository that gets weights, Python packages and a log (12 GB); what is in it already is used again. Records go to benches/record.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
    sed -n '2,6s/^# \{0,1\}//p' "$0" >&2
    exit 2
}
[ $# -ge 1 ] && [ $# -le 2 ] || usage

fail() {
    echo "gpu-bench: $*" >&2
    exit 1
}

# The first GPU is used; CUDA_VISIBLE_DEVICES chooses another one.
command -v nvidia-smi >/dev/null || fail "no NVIDIA GPU found: there is no nvidia-smi, which comes with the driver"
export CUDA_DEVICE_ORDER=PCI_BUS_ID
first=${CUDA_VISIBLE_DEVICES:-0}
first=${first%%,*}
gpu=$(nvidia-smi --id="$first" --query-gpu=name,driver_version,compute_cap --format=csv,noheader 2>&1) || fail "no NVIDIA GPU found: $gpu"
for program in cargo g++ python3 npm; do
    command -v "$program" >/dev/null || fail "$program is needed"
done

rounds=${2:-5}
[[ $rounds =~ ^[1-9][0-9]*$ ]] || usage
mkdir -p "$1"
work=$(cd "$1" && pwd)
exec > >(tee "$work/gpu-bench-$(date -u +%Y-%m-%dT%H%M).log") 2>&1
echo "GPU: $gpu"

step() {
    printf '\n== %s\n' "$*"
    "$@"
}

step cargo build --release --locked -p lumivox-cli --features cuda
step cargo build --release --locked -p lumivox --example bench_worker --features cuda
lumivox=$PWD/target/release/lumivox
worker=$PWD/target/release/examples/bench_worker

# Nothing is timed that computes something else than the CPU does.
export LUMIVOX_TEST_DEVICE=cuda:0
step cargo test --release --locked -p lumivox-kernels --features cuda,emulation --test cuda
step cargo run --release --locked -p lumivox-parity --features cuda
# Batches, 16 bits and recorded launches.
step cargo test --release --locked -p lumivox-parity --features cuda,emulation --test cuda
unset LUMIVOX_TEST_DEVICE

# ONNX Runtime for GPUs is another package with the same contents; only one of the two may be installed. It finds CUDA's libraries where PyTorch brings them.
venv=$work/venv
if [ ! -e "$venv/complete" ]; then
    step python3 -m venv "$venv"
    sed 's/^onnxruntime==/onnxruntime-gpu==/' tools/reference/requirements.txt >"$work/requirements.txt"
    step "$venv/bin/pip" install --quiet -r "$work/requirements.txt"
    # These ask for the other ONNX Runtime, or for what is not used here.
    step "$venv/bin/pip" uninstall --quiet --yes onnxruntime
    step "$venv/bin/pip" install --quiet --no-deps --force-reinstall "$(grep '^onnxruntime-gpu==' "$work/requirements.txt")"
    step "$venv/bin/pip" install --quiet --no-deps kokoro==0.9.4
    touch "$venv/complete"
fi
python=$venv/bin/python
step "$python" tools/bench/weights.py --lumivox "$lumivox" --work "$work/weights"

# What of the others can compute on this GPU. Current PyTorch has no code for a V100: docs/gpu.md says which has.
libraries=$("$python" -c 'import glob, site; print(":".join(p for s in site.getsitepackages() for p in sorted(glob.glob(s + "/nvidia/*/lib"))))')
export LD_LIBRARY_PATH="$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
others=() others_f16=()
if "$python" -c 'import torch; (torch.ones(1, device="cuda") + 1).cpu()'; then
    others+=(pytorch-cuda transformers-cuda)
    others_f16+=(pytorch-cuda-f16 transformers-cuda-f16)
else
    echo "LEFT OUT: PyTorch, which has no code for this GPU or does not find it"
fi
if "$python" -c 'import onnxruntime, sys; sys.exit("CUDAExecutionProvider" not in onnxruntime.get_available_providers())'; then
    others+=(onnxruntime-cuda onnxruntime-export-cuda)
else
    echo "LEFT OUT: ONNX Runtime, which is not the package for GPUs"
fi

# The five texts, warm and from a fresh process, each alone and eight times at once.
bench() {
    local batch=$1
    shift
    local engines
    engines=$(IFS=,; echo "$*")
    step "$python" tools/bench/bench.py --worker "$worker" --work "$work/weights" --families kokoro,mms --cases 44,122,174,41,178 --fresh 44,122,174,41,178 \
        --engines "$engines" --threads 1 --rounds "$rounds" --batch "$batch"
}
records=()
failed=0
for batch in 1 8; do
    for precision in f32 f16; do
        if [ "$precision" = f32 ]; then
            engines=(lumivox-cuda lumivox-cuda-graphs "${others[@]}")
        else
            engines=(lumivox-cuda-f16 lumivox-cuda-f16-graphs "${others_f16[@]}")
        fi
        before=$(find benches/record -name '*.json' | sort)
        # A run that fails is shown, and the others go on.
        if bench "$batch" "${engines[@]}"; then
            mapfile -t -O "${#records[@]}" records < <(comm -13 <(echo "$before") <(find benches/record -name '*.json' | sort))
        else
            echo "FAILED: $precision, $batch at once"
            failed=1
        fi
    done
done

[ ${#records[@]} -gt 0 ] || fail "nothing was recorded"
step "$python" tools/cuda/predicted.py "${records[@]}"
exit "$failed"
