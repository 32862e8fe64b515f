/**
 * The "VM": a shell that leads the replica's process group. All that it has to say it says by names of files in the
 * replica's folder, each a link of `vm.pid`: making and renaming links works on a full disk and is atomic, so the agent
 * that asked, or any other later, reads the same truth.
 *
 *   vm.pid                          whose VM this is: pid and start time. Whoever links it first runs; the others exit.
 *                                   A restart has a folder of its own for its names, restart.<number>, below the first's.
 *   phase.boot, .setup, .run        what it is at
 *   exit.<phase>.<code>.<seconds>   how and when it ended by itself
 *
 * Shell variables have a prefix, because a plain name that is also in the template's env would change it there.
 * `command -p` finds the system's tools whatever PATH the template sets. The signals are trapped with a command and not
 * ignored, so that children get them as usual; the shell acts on one when its program has ended, or at once between two
 * programs, so that a VM that is told to end while it starts does not start. At the end it kills its own group: a helper
 * that the program left behind does not outlive its VM.
 *
 * Who ends a VM marks it first and looks for running programs then; who replaces a program makes the new one's folder
 * first. A program makes itself known first and looks for both then. So of two at once at least one sees the other, and
 * no program starts that nobody will end. Each child looks again before it runs anything: a signal that comes while it is
 * being forked is lost on it, because it still has the shell's traps, and the shell waits for it however long it takes.
 *
 * Arguments: the VM's folder, restarts so far, boot seconds, "setup" or "", the setup command, the run command.
 */
export const VM_SCRIPT = `#!/bin/sh
# The VM of one replica, started by pulumi-serve.
_pulumi_serve_dir=\${0%/*}
_pulumi_serve_vm=$1
_pulumi_serve_restarts=$2
_pulumi_serve_boot=$3
_pulumi_serve_has_setup=$4
_pulumi_serve_setup=$5
_pulumi_serve_run=$6

if [ -r /proc/$$/stat ]; then
  read -r _pulumi_serve_stat </proc/$$/stat
  set -- \${_pulumi_serve_stat##*) }
  _pulumi_serve_start=\${20}
  if [ -r /proc/sys/kernel/random/boot_id ]; then
    read -r _pulumi_serve_stat </proc/sys/kernel/random/boot_id
    _pulumi_serve_start=$_pulumi_serve_start@\${_pulumi_serve_stat%%-*}
  fi
else
  _pulumi_serve_start=$(echo $(LC_ALL=C command -p ps -o lstart= -p $$))
fi
set --

_pulumi_serve_claim=$_pulumi_serve_dir/claim.$$
echo "$$ $_pulumi_serve_start" >"$_pulumi_serve_claim" &&
  command -p ln "$_pulumi_serve_claim" "$_pulumi_serve_dir/vm.pid" 2>/dev/null
_pulumi_serve_code=$?
command -p rm -f "$_pulumi_serve_claim"
[ "$_pulumi_serve_code" = 0 ] || exit 0

_pulumi_serve_is_wanted() {
  for _pulumi_serve_other in "$_pulumi_serve_vm"/ending.*; do
    [ ! -e "$_pulumi_serve_other" ] || return 1
  done
  for _pulumi_serve_other in "$_pulumi_serve_vm"/restart.*; do
    [ ! -d "$_pulumi_serve_other" ] || [ "\${_pulumi_serve_other##*/restart.}" -le "$_pulumi_serve_restarts" ] || return 1
  done
}
_pulumi_serve_is_wanted || exit 0

_pulumi_serve_finish() {
  trap '' TERM INT HUP
  for _pulumi_serve_phase in "$_pulumi_serve_dir"/phase.*; do
    command -p mv "$_pulumi_serve_phase" \\
      "$_pulumi_serve_dir/exit.\${_pulumi_serve_phase##*/phase.}.$1.$(command -p date +%s)"
  done
  kill -s KILL 0
}

_pulumi_serve_enter() {
  command -p mv "$_pulumi_serve_dir"/phase.* "$_pulumi_serve_dir/phase.$1"
}

trap '_pulumi_serve_finish $?' TERM INT HUP
command -p ln "$_pulumi_serve_dir/vm.pid" "$_pulumi_serve_dir/phase.boot"

[ "$_pulumi_serve_boot" = 0 ] || (_pulumi_serve_is_wanted && command -p sleep "$_pulumi_serve_boot")
if [ -n "$_pulumi_serve_has_setup" ]; then
  _pulumi_serve_enter setup
  (_pulumi_serve_is_wanted && exec /bin/sh -c "$_pulumi_serve_setup")
  _pulumi_serve_code=$?
  [ "$_pulumi_serve_code" = 0 ] || _pulumi_serve_finish "$_pulumi_serve_code"
fi
_pulumi_serve_enter run
(_pulumi_serve_is_wanted && exec /bin/sh -c "$_pulumi_serve_run")
_pulumi_serve_finish $?
`;
