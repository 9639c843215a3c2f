#!/bin/sh
# How the networks were made: five large teachers; the network that ships, which learns
# from them and from the votes; its last, calm epochs; and, for comparison with the
# literature, some on FER2013's own labels, which begin as dlib's face recognition network.
# Resumable: run it again. All but `finish`, which takes 55 minutes of two CPU cores, want
# a GPU: on an H200 an epoch takes 0.8 to 1 s, and every start 15 s. (The 40 last epochs of
# `fer2013` were run on one CPU core, in 100 minutes.) `finish` alone needs what `student`
# made, and the repository's whole history.
#
#   training/expression_full.sh                            # data beside the checkout
#   training/expression_full.sh training/data/faces.npz    # what --prepare wrote
#   STEPS=finish training/expression_full.sh               # one step: see below
set -eu
data=${1:-../shared/data/faces/fer2013.npz}
runs=${RUNS:-training/runs/full}
mkdir -p "$runs"
train() { ${PYTHON:-python} training/expression_cnn.py --data "$data" "$@"; }
from_dlib() { # NAME OPTION...: a network begun as dlib's
    name=$1
    shift
    train --out "$runs/$name" --identity "$dlib" --dropout 0.3 \
        --batch 256 --warmup 1 --epochs 90 --calm 0.6 --distil 0.3 "$@"
}
keep() { # RUN NAME
    train --start "$runs/$1/best.pt" --keep "$runs/expression_$2.pt"
}
dlib=$runs/face_identity.dat
wide="--channels 64 128 256 448 --blocks 3 3 3 2"
deep="--channels 64 128 256 --blocks 4 4 4"
teachers=
for seed in 1 2 3 4 5; do teachers="$teachers $runs/teacher$seed/best.pt"; done

# shellcheck disable=SC2086  # $wide, $deep, $teachers and $second are lists
for step in ${STEPS:-teachers student finish fer2013}; do
    case $step in
    teachers)
        for seed in 1 2 3 4 5; do
            case $seed in 2 | 4) net=$deep ;; *) net=$wide ;; esac
            train --out "$runs/teacher$seed" --seed $seed $net \
                --batch 256 --epochs 75 --calm 0.3
        done
        ;;
    student) # the clock ended the run that shipped after 182 of these epochs
        train --out "$runs/student" --teacher $teachers --own 0 --balance 0.4 \
            --batch 256 --epochs 320 --calm 0.3
        ;;
    finish) # the network that shipped before is a teacher
        git show 68999a0:training/expression_checkpoint.pt >"$runs/former.pt"
        train --out "$runs/finish" --start "$runs/student/best.pt" \
            --teacher "$runs/former.pt" --distil 0.3 --own 0.6 --balance 0.4 \
            --epochs 80 --lr 0.04 --warmup 0.5 --mixup 0.15 --erase 0.2
        keep finish checkpoint
        ;;
    fer2013) # with and without copies of test rows; what ships is a teacher
        [ -f "$dlib" ] || ${PYTHON:-python} training/face_identity.py "$dlib"
        ships=$runs/finish/best.pt
        second="--labels fer2013 --balance 0"
        from_dlib votes --balance 0.3 --teacher "$ships"
        from_dlib uncopied --seed 3 $second --teacher "$ships"
        from_dlib one --seed 1 $second --copies --teacher "$ships"
        from_dlib two --seed 2 $second --copies --teacher "$ships"
        one=$runs/one/best.pt two=$runs/two/best.pt
        from_dlib three --seed 7 $second --copies --epochs 110 --distil 0.7 \
            --teacher "$one" "$two" "$runs/votes/best.pt"
        # last epochs with hard labels and mild pictures
        train --out "$runs/more" --labels fer2013 --copies --balance 0 --own 0 \
            --start "$one" --teacher "$runs/three/best.pt" --distil 0.3 --seed 12 \
            --epochs 40 --lr 0.03 --warmup 0.3 --calm 1 --mixup 0 --erase 0 --jpeg 0 \
            --zoom 0.9 1.1 --gamma 0.25 --shade 0.2 --choose accuracy
        keep more fer2013_1
        keep two fer2013_2
        keep uncopied fer2013_uncopied
        ;;
    esac
done
