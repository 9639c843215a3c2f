#!/bin/sh
# How the networks were made: five large teachers; the network that ships, which learns
# from them and from the votes; its last, calm epochs; and, for comparison with the
# literature, the same on FER2013's own labels. Resumable: run it again. The first two
# steps want a GPU (on an H200 an epoch takes 0.8 to 1 s, and every start 15 s), the
# others take an hour of two CPU cores.
#
#   training/expression_full.sh                            # data beside the checkout
#   training/expression_full.sh training/data/faces.npz    # what --prepare wrote
#   STEPS=finish training/expression_full.sh               # one step: see below
set -eu
data=${1:-../shared/data/faces/fer2013.npz}
runs=${RUNS:-training/runs/full}
train() { ${PYTHON:-python} training/expression_cnn.py --data "$data" "$@"; }
wide="--channels 64 128 256 448 --blocks 3 3 3 2"
deep="--channels 64 128 256 --blocks 4 4 4"
teachers=
for seed in 1 2 3 4 5; do teachers="$teachers $runs/teacher$seed/best.pt"; done

# shellcheck disable=SC2086  # $wide, $deep and $teachers are lists
for step in ${STEPS:-teachers student finish fer2013}; do
    case $step in
    teachers)
        for seed in 1 2 3 4 5; do
            case $seed in 2 | 4) net=$deep ;; *) net=$wide ;; esac
            train --out "$runs/teacher$seed" --seed $seed $net \
                --batch 256 --epochs 75 --calm 0.3
        done
        ;;
    student)
        train --out "$runs/student" --teacher $teachers --own 0 --balance 0.4 \
            --batch 256 --epochs 320 --calm 0.3
        ;;
    finish) # the network that shipped before is a teacher
        git show 68999a0:training/expression_checkpoint.pt >"$runs/former.pt"
        train --out "$runs/finish" --start "$runs/student/best.pt" \
            --teacher "$runs/former.pt" --distil 0.3 --own 0.6 --balance 0.4 \
            --epochs 80 --lr 0.04 --warmup 0.5 --mixup 0.15 --erase 0.2
        ;;
    fer2013)
        train --out "$runs/fer2013" --start "$runs/finish/best.pt" --labels fer2013 \
            --copies --own 0.5 --balance 0 \
            --epochs 14 --lr 0.03 --warmup 0.5 --mixup 0.2 --erase 0.2 --calm 1
        ;;
    esac
done
