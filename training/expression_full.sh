#!/bin/sh
# The whole recipe, for a machine with a GPU: three large teachers, then the network
# that ships, which learns from them and from the votes; then, for comparison with the
# literature, a large one for FER2013's own labels. Resumable: run it again.
#
#   training/expression_full.sh                            # data beside the checkout
#   training/expression_full.sh training/data/faces.npz    # what --prepare wrote
set -eu
data=${1:-../shared/data/faces/fer2013.npz}
runs=training/runs/full
train() {
    ${PYTHON:-python} training/expression_cnn.py --data "$data" --batch 256 "$@"
}
large="--channels 64 128 256 448 --blocks 3 3 3 2"
for seed in 1 2 3; do
    train --out $runs/teacher$seed --seed $seed $large --epochs 150
done
train --out $runs/student --balance 0.4 --epochs 300 \
    --teacher $runs/teacher1/best.pt $runs/teacher2/best.pt $runs/teacher3/best.pt
${PYTHON:-python} training/export_expression.py $runs/student/best.pt --data "$data"
train --out $runs/fer2013 --labels fer2013 --copies --balance 0 $large --epochs 150
