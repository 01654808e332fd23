#!/usr/bin/env bash
# Run the experiment of params.yaml by several seeds, side by side on one machine, without DVC:
#   tools/several_runs.sh FOLDER 1 2 3 4
# Each seed is srgan.seed and classifier.seed of a copy of the project in FOLDER/SEED; data and split
# are the same for all. What a stage said is in FOLDER/SEED/STAGE.log. As soon as they are there, the
# generators are packed into FOLDER/models_SEED.tar.xz, and then predictions, metrics and plots into
# FOLDER/results_SEED.tar.xz, which tools/pool.py reads when unpacked. A run that fails ends alone,
# and the exit code says so. The same command goes on where one was stopped. PYTHON names the Python;
# with JOBS=1 one stage runs at a time, as two cores want it.
set -euo pipefail

(($# > 1)) || { echo "usage: $0 FOLDER SEED..." >&2; exit 2; }
mkdir -p "$1" && folder=$(cd "$1" && pwd) && shift
cd "$(dirname "$0")/.."

stage() { # SEED NAME [ITEM]
  local log
  log=$(IFS=@ && echo "${*:2}").log
  cd "$folder/$1"
  [ ! -e "metrics/provenance/${log%.log}.json" ] || return 0 # done before
  "${PYTHON:-python}" "stages/$2.py" "${@:3}" >"$log" 2>&1 && status=0 || status=$?
  echo "$1 ${log%.log} after $SECONDS s: $(tail -n 1 "$log")"
  return "$status"
}

together() { # a command a line of the input, all at once, or JOBS of them
  local started=() number failed=0
  while read -ra command; do
    while (($(jobs -rp | wc -l) >= ${JOBS:-1000})); do sleep 1; done
    "${command[@]}" &
    started+=($!)
  done
  for number in "${started[@]}"; do wait "$number" || failed=1; done
  return "$failed"
}

pack() { # SEED NAME FILE...
  cd "$folder/$1"
  tar -cJf "../$2_$1.part" "${@:3}"
  mv "../$2_$1.part" "../$2_$1.tar.xz"
}

experiment() { # SEED
  together <<<"generators $1
stage $1 train_a" &&
    enlarged "$1" &&
    together <<<"stage $1 train_b
$(printf "stage $1 train_controls %s\n" b_plus c c_plus r p t)" &&
    stage "$1" evaluate &&
    pack "$1" results data/predictions.csv data/predictions_val.csv metrics plots ./*.log
}

generators() { # SEED
  stage "$1" train_srgan && stage "$1" train_perceptual
}

enlarged() { # SEED
  stage "$1" train_task_sr && stage "$1" generate_sr &&
    pack "$1" models models/srgan models/perceptual models/task
}

[ "$(grep -c '^  seed: null' params.yaml)" = 2 ] || {
  echo "$0: params.yaml has seeds of its own for srgan or classifier: set both to null" >&2
  exit 1
}
for seed; do
  params=$(sed "s/^  seed: null/  seed: $seed/" params.yaml)
  if [ ! -e "$folder/$seed/params.yaml" ]; then
    mkdir -p "$folder/$seed"
    cp -r src stages inputs dvc.yaml "$folder/$seed"
    echo "$params" >"$folder/$seed/params.yaml"
  elif [ "$params" != "$(<"$folder/$seed/params.yaml")" ]; then
    echo "$0: $folder/$seed is a run of other params: give another folder" >&2
    exit 1
  fi
done
for name in check download split downscale; do stage "$1" "$name"; done
for seed in "${@:2}"; do # hard links: no stage writes into a file that is there
  [ -e "$folder/$seed/data" ] || cp -rl "$folder/$1"/{models,metrics,plots,data} "$folder/$seed"
done
printf 'experiment %s\n' "$@" | together
