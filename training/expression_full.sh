#!/bin/sh
# The whole recipe, for a machine with a GPU: five large teachers, then the network that
# ships, which learns from them and from the votes; then, for comparison with the
# literature, a large one for FER2013's own labels. On an H200 an epoch of a teacher takes
# 0.8 to 0.9 s, of the student 1 s, and every start 15 s. Resumable: run it
# again. Without a GPU it takes days.
#
#   training/expression_full.sh                            # data beside the checkout
#   training/expression_full.sh training/data/faces.npz    # what --prepare wrote
#   STEPS=student training/expression_full.sh              # one step: see below
set -eu
data=${1:-../shared/data/faces/fer2013.npz}
runs=${RUNS:-training/runs/full}
train() { ${PYTHON:-python} training/expression_cnn.py --data "$data" --batch 256 "$@"; }
wide="--channels 64 128 256 448 --blocks 3 3 3 2"
deep="--channels 64 128 256 --blocks 4 4 4"
teachers=
for seed in 1 2 3 4 5; do teachers="$teachers $runs/teacher$seed/best.pt"; done

# shellcheck disable=SC2086  # $wide, $deep and $teachers are lists
for step in ${STEPS:-teachers student fer2013}; do
    case $step in
    teachers)
        for seed in 1 2 3 4 5; do
            case $seed in 2 | 4) net=$deep ;; *) net=$wide ;; esac
            train --seed $seed --epochs 75 --out "$runs/teacher$seed" $net
        done
        ;;
    student)
        train --out "$runs/student" --balance 0.4 --own 0 --epochs 320 --teacher $teachers
        ;;
    fer2013)
        train --out "$runs/fer2013" --labels fer2013 --copies --balance 0 --own 0 \
            --distil 0.5 $wide --epochs 70 --teacher $teachers
        ;;
    esac
done
