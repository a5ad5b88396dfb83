#!/bin/sh
# A LUKE pre-training step on one GPU, ours against transformers', at every size and at both precisions.
#
#   python benchmarks/luke_pretraining.py --write-windows runs/windows.json --words-per-step 16384   # where the data is
#   WINDOWS=runs/windows.json OUT=runs/gpu sh benchmarks/gpu.sh                                      # where the GPU is
#
# Needs PyTorch and transformers there, nothing else; without WINDOWS random ids of the same lengths are used.
set -eu
cd "$(dirname "$0")/.."
OUT=${OUT:-runs/gpu}
PYTHON=${PYTHON:-python3}
WORDS=${WORDS:-16384}
STEPS=${STEPS:-10}
mkdir -p "$OUT"
if [ -n "${WINDOWS:-}" ]; then source="--windows $WINDOWS"; else source=--random; fi
export PYTHONPATH=src PYTHONUNBUFFERED=1
nvidia-smi --query-gpu=name,driver_version --format=csv,noheader

run() { # name, then options
    name=$1
    shift
    # shellcheck disable=SC2086  # the source is two words
    "$PYTHON" benchmarks/luke_pretraining.py --device cuda $source --words-per-step "$WORDS" --steps "$STEPS" --warmup 3 \
        --output "$OUT/$name.json" "$@" | tee "$OUT/$name.md"
}

run bf16 --precision bf16 --sizes minilm base large --modes skip-padding compile
run fp32 --precision fp32 --sizes minilm base --lengths 512 --modes bf16
run entity-aware-bf16 --precision bf16 --entity-aware --sizes base large --lengths 512 --entities 500000
