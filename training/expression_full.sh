#!/bin/sh
# How the networks were made: five large teachers; the network that ships, which learns
# from them and from the votes; its last, calm epochs; and, for comparison with the
# literature, two on FER2013's own labels, which begin as dlib's face recognition network.
# Resumable: run it again. All but `finish`, which takes an hour of two CPU cores, want a
# GPU: on an H200 an epoch takes 0.8 to 1 s, and every start 15 s.
#
#   training/expression_full.sh                            # data beside the checkout
#   training/expression_full.sh training/data/faces.npz    # what --prepare wrote
#   STEPS=finish training/expression_full.sh               # one step: see below
set -eu
data=${1:-../shared/data/faces/fer2013.npz}
runs=${RUNS:-training/runs/full}
train() { ${PYTHON:-python} training/expression_cnn.py --data "$data" "$@"; }
second() { # NAME OPTION...: a network begun as dlib's, on FER2013's own labels
    name=$1
    shift
    train --out "$runs/$name" --labels fer2013 --balance 0 "$@" \
        --identity "$dlib" --teacher "$runs/finish/best.pt" --distil 0.3 \
        --dropout 0.3 --batch 256 --warmup 1 --epochs 90 --calm 0.6
    train --start "$runs/$name/best.pt" --keep "$runs/expression_$name.pt"
}
dlib=$runs/face_identity.dat
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
    fer2013) # with and without copies of test rows; what ships is their teacher
        [ -f "$dlib" ] || ${PYTHON:-python} training/face_identity.py "$dlib"
        second fer2013 --seed 1 --copies
        second fer2013_uncopied --seed 3
        ;;
    esac
done
