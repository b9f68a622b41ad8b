#!/bin/sh
# Installs sparkwright-worker as a service, or brings an installed one up to date.
set -eu

usage() {
    cat <<'EOF'
usage: install.sh [--binary FILE] [--no-start] [NAME=VALUE ...]

Installs sparkwright-worker as a service of systemd and starts it. Run it again with a newer worker to upgrade: what runs
on the cluster goes on, and is taken up by the new worker. A worker that runs is restarted, which can take over a minute:
it waits until its open polls have returned.

  --binary FILE   the worker (default: sparkwright-worker in the folder of this script)
  --no-start      install and enable, but neither start nor restart
  NAME=VALUE      a setting to write into /etc/sparkwright/worker.env, such as
                  SPARKWRIGHT_ACTIVITY_ARN=arn:aws:states:eu-west-1:123456789012:activity:spark-job
  --help          this text

It makes, where they are missing, and else leaves as they are:
  the user sparkwright
  /var/lib/sparkwright                             the journal, for the worker alone (0700)
  /etc/sparkwright/worker.env                      settings; worker.env.example beside it explains them
and puts anew:
  /usr/local/bin/sparkwright-worker
  /etc/systemd/system/sparkwright-worker.service   changes go to `systemctl edit sparkwright-worker`

environment:
  DESTDIR         put before each of these paths; users and systemd are those of this machine all the same
EOF
}

fail() {
    echo "install.sh: $*" >&2
    exit 1
}

user=sparkwright
unit=sparkwright-worker.service
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
root=${DESTDIR:-}
state=$root/var/lib/sparkwright
settings=$root/etc/sparkwright
programs=$root/usr/local/bin
units=$root/etc/systemd/system

# Puts a file in its place at once, so that no other process ever sees half of it.
place() { # MODE FROM TO
    cp -- "$2" "$3.new"
    chmod -- "$1" "$3.new"
    mv -f -- "$3.new" "$3"
}

# Whether this can be a line of worker.env that systemd and a shell read alike.
check_setting() { # NAME=VALUE
    case $1 in
        -*) fail "options stand before NAME=VALUE; see --help" ;;
        *=*) ;;
        *) fail "unknown argument $1; see --help" ;;
    esac
    case ${1%%=*} in '' | [0-9]* | *[!A-Za-z0-9_]*) fail "\`${1%%=*}\` is not the name of a variable" ;; esac
    case ${1#*=} in *"'"* | *'
'*) fail "the value of ${1%%=*} must not contain a quote or a line break" ;; esac
}

# Writes one setting, instead of the one that is there.
write_setting() { # NAME=VALUE
    {
        # Without any other line grep fails.
        grep -v "^${1%%=*}=" "$settings/worker.env" || true
        echo "${1%%=*}='${1#*=}'"
    } >"$scratch/worker.env"
    place 0640 "$scratch/worker.env" "$settings/worker.env"
}

binary=$here/sparkwright-worker
start=yes
while [ $# -gt 0 ]; do
    case $1 in
        --help | -h)
            usage
            exit 0
            ;;
        --binary)
            [ $# -ge 2 ] || fail '--binary needs a file'
            binary=$2
            shift
            ;;
        --no-start) start=no ;;
        -*) fail "unknown option $1; see --help" ;;
        *) break ;;
    esac
    shift
done

# All that can be known before is looked at before anything is changed.
for setting in "$@"; do
    check_setting "$setting"
done
[ "$(id -u)" = 0 ] || fail 'this needs root: sudo'
command -v systemctl >/dev/null || fail 'there is no systemctl: this machine is not run by systemd'
[ -f "$binary" ] || fail "there is no worker at $binary: name it by --binary"
[ -x "$binary" ] || fail "$binary cannot be executed: chmod +x"
version=$("$binary" --version) || fail "$binary does not run on this machine: it is built for another one"

scratch=$(mktemp -d)
trap 'rm -rf -- "$scratch"' EXIT
umask 022

id -u "$user" >/dev/null 2>&1 ||
    useradd --system --user-group --home-dir /var/lib/sparkwright --no-create-home --shell /sbin/nologin "$user"

mkdir -p -- "$state" "$settings" "$programs" "$units"
chown -- "$user:$user" "$state"
chmod 0700 "$state"
chown -- "root:$user" "$settings"
chmod 0750 "$settings"

place 0644 "$here/worker.env.example" "$settings/worker.env.example"
[ -e "$settings/worker.env" ] || cp -- "$here/worker.env.example" "$settings/worker.env"
for setting in "$@"; do
    write_setting "$setting"
done
chown -- "root:$user" "$settings/worker.env"
chmod 0640 "$settings/worker.env"

place 0755 "$binary" "$programs/sparkwright-worker"
place 0644 "$here/$unit" "$units/$unit"

# `enable --now` came with systemd 220, and would not restart a worker that runs.
systemctl daemon-reload
systemctl enable "$unit"
echo "$version is installed."

if ! grep -q '^SPARKWRIGHT_ACTIVITY_ARN=.' "$settings/worker.env"; then
    echo 'It is not started, because no activity is named. Set SPARKWRIGHT_ACTIVITY_ARN in /etc/sparkwright/worker.env, then:'
    echo '  sudo systemctl start sparkwright-worker'
    exit 0
fi
[ "$start" = yes ] || exit 0
echo 'It is started; a worker that runs ends first, which can take over a minute.'
if ! systemctl restart "$unit"; then
    echo 'install.sh: it does not start. These say why:' >&2
    echo '  sudo journalctl -u sparkwright-worker -n 50' >&2
    echo "  sudo -u sparkwright sh -c 'set -a; . /etc/sparkwright/worker.env; exec /usr/local/bin/sparkwright-worker check'" >&2
    exit 1
fi
echo 'It runs: systemctl status sparkwright-worker'
