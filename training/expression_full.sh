#!/bin/sh
# The whole recipe, for a machine with a GPU: three large teachers, then the network
# that ships, which learns from them and from the votes. Resumable: run it again.
#
#   training/expression_full.sh                            # data beside the checkout
#   training/expression_full.sh training/data/faces.npz    # what --prepare wrote
set -eu
data=${1:-../shared/data/faces/fer2013.npz}
python=${PYTHON:-python}
runs=training/runs/full
for seed in 1 2 3; do
    $python training/expression_cnn.py --data "$data" --out $runs/teacher$seed \
        --seed $seed --channels 64 128 256 --blocks 3 3 3 --batch 256 --epochs 150
done
$python training/expression_cnn.py --data "$data" --out $runs/student \
    --teacher $runs/teacher1/best.pt $runs/teacher2/best.pt $runs/teacher3/best.pt \
    --balance 0.5 --batch 256 --epochs 300
$python training/export_expression.py $runs/student/best.pt --data "$data"
