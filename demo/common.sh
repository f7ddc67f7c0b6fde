# What both demos share: a folder that goes away, commands that are shown as they run, waiting with a deadline, an end that
# leaves nothing. Sourced by demo/local and demo/cluster. Writes only beneath the folder it makes; ends only what was started here.

work=$(mktemp -d "${TMPDIR:-/tmp}/seal-demo.XXXXXX")
log= # of what runs in the background; shown when something fails
started=()

end() {
  local status=$? pid
  trap - EXIT; trap '' INT TERM
  if ((status > 128)); then
    printf '\ndemo: interrupted\n' >&2
  elif ((status != 0)); then
    printf '\ndemo: failed\n' >&2
    [[ ! -s $log ]] || { echo 'demo: the end of the log:'; tail -n 20 "$log"; } >&2
  fi
  for ((i = ${#started[@]} - 1; i >= 0; i--)); do
    pid=${started[i]}
    kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null || true
  done
  cd / && rm -rf "$work"
  ((status != 0)) || echo "
Everything that was made is gone again."
  exit "$status"
}
trap end EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Nobody's configuration takes part, and nobody's is changed.
export HOME=$work/home GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null NO_COLOR=1
export GIT_AUTHOR_NAME=demo GIT_AUTHOR_EMAIL=demo@localhost GIT_COMMITTER_NAME=demo GIT_COMMITTER_EMAIL=demo@localhost
unset XDG_CONFIG_HOME KUBECONFIG SEAL_CONTROLLER_NAMESPACE POD_NAMESPACE "${!GIT_DIR@}" "${!GIT_WORK_TREE@}" "${!GIT_INDEX_FILE@}"
mkdir "$HOME"

say() { printf '\n# %s\n' "$*"; }

# Shows a command and runs it here, so that `cd` counts.
run() {
  printf '$ %s\n' "$1"
  eval "$1" 2>&1
}

# Shows a command and lets it run on. What it says goes to $log.
run_on() {
  printf '$ %s &\n' "$1"
  eval "exec $1" </dev/null >>"$log" 2>&1 9>&- & # 9 holds the cluster of demo/cluster
  started+=($!)
}

# Looks again and again until the command in $2 succeeds, half a minute at most.
wait_for() {
  local until=$((SECONDS + 30)) pid
  until eval "$2" >/dev/null 2>&1; do
    ((SECONDS < until)) || { echo "demo: $1: not within 30 seconds" >&2; exit 1; }
    for pid in "${started[@]}"; do
      kill -0 "$pid" 2>/dev/null || { echo "demo: a program that should go on running has ended" >&2; exit 1; }
    done
    sleep 0.05
  done
}
