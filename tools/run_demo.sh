#!/usr/bin/env bash
# The whole chain on real solar cells: train, fit, evaluate, export, score.
#
#   bash tools/run_demo.sh            under 20 minutes on 2 cores
#   bash tools/run_demo.sh --quick    under 9 minutes: few steps, one method
#
# Everything goes to demo_output/ (or $OUT). Run again, complete training runs
# are not repeated. Further arguments go to train_gan.py.
set -Eeuo pipefail
cd "$(dirname "$0")/.."
source tools/venv.sh
OUT="${OUT:-demo_output}"
paper=yes
arguments=()
for argument in "$@"; do
  if [ "$argument" = --quick ]; then
    OUT="$OUT/quick" paper=no
    arguments+=(--num_steps=300)
  else
    arguments+=("$argument")
  fi
done
tool() {
  step="$1.py"
  echo
  echo "== [$((SECONDS / 60)) min $((SECONDS % 60)) s] $*"
  .venv/bin/python "tools/$1.py" "${@:2}"
}
chain() { # METHOD FOLDER: trains, fits and evaluates
  tool train_gan --data=elpv:mono --model_dir="$2/model" --method="$1" \
    ${arguments[@]+"${arguments[@]}"}
  tool fit_detector --data=elpv:mono --model_dir="$2/model"
  tool evaluate_detector --data=elpv:mono --model_dir="$2/model" \
    --report_dir="$2/report"
}

ensure_venv demo
mkdir -p "$OUT"
chain joint "$OUT/joint"
results="$OUT/joint/report/results.json"
if [ "$paper" = yes ]; then
  chain paper "$OUT/paper"
  results="$results,$OUT/paper/report/results.json"
fi
tool export_saved_model --model_dir="$OUT/joint/model" \
  --export_dir="$OUT/saved_model"
step="finding the solar cells"
cells=$(.venv/bin/python -c 'import elpv_dataset, os
print(os.path.dirname(elpv_dataset.__file__))')/data/images
tool score_images --saved_model="$OUT/saved_model" \
  --images="$cells/cell00[0-3]*.png" --output="$OUT/scores.csv" \
  --maps_dir="$OUT/maps"
tool print_results --results="$results"
echo
echo "Report:      $OUT/joint/report/report.html (a first picture: examples.png)"
echo "SavedModel:  $OUT/saved_model"
echo "Scores:      $OUT/scores.csv (of 40 cells), maps in $OUT/maps"
echo "Done in $((SECONDS / 60)) min $((SECONDS % 60)) s."
