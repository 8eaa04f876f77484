# SPDX-License-Identifier: GPL-2.0-or-later
# The beginning of every script: frames, the fence, the node lock, running a tool.
# Comments and indentation are taken out when the parts are compiled in.  Before
# this part stand the values (BY_*), all quoted by one function; after it the
# parts that a step needs, and by_main, which the last line calls: a script that
# arrives in part does nothing.
#
# Frames, each with the nonce of the call, so that no tool can forge one:
#   @BY NONCE at LABEL                      what is done now
#   @BY NONCE = KEY VALUE                   a result
#   @BY NONCE next                          begin another record of results
#   @BY NONCE data KEY / text / @BY NONCE . a result of several lines
#   @BY NONCE note / text / @BY NONCE .     a warning for the log
#   @BY NONCE fail CLASS STATUS LABEL / text / @BY NONCE .
#   @BY NONCE done                          all is well
LC_ALL=C
LVM_SUPPRESS_FD_WARNINGS=1
export LC_ALL PATH LVM_SUPPRESS_FD_WARNINGS
umask 022
BY_RC=0
BY_OUT=
BY_TMP=
BY_FIRST=
BY_HELD=
: "${BY_KEEP=}"

by_at() {
	printf '@BY %s at %s\n' "$BY_NONCE" "$1"
}

by_result() {
	printf '@BY %s = %s %s\n' "$BY_NONCE" "$1" "$2"
}

by_note() {
	printf '@BY %s note\n%s\n@BY %s .\n' "$BY_NONCE" "$1" "$BY_NONCE"
}

# Fail with a class (BRICKYARD_ERR_*) and a sentence of ours.
by_die() {
	printf '@BY %s fail %s 0 -\n%s\n@BY %s .\n' "$BY_NONCE" "$1" "$2" "$BY_NONCE"
	exit 1
}

# Fail with what the tool said: the host finds the class.
by_fail() {
	printf '@BY %s fail 0 %s %s\n%s\n@BY %s .\n' "$BY_NONCE" "$BY_RC" "$1" \
		"$BY_OUT" "$BY_NONCE"
	exit 1
}

# Run a tool: status in BY_RC; if that is not 0, the last of what it said in
# BY_OUT.  It keeps the locks (descriptors 8 and 9) while it lives, even if this
# shell does not.  What it says goes through the operation's own file in the lock
# directory: a pipe costs three processes more than the tool.
by_run() {
	if [ -z "$BY_TMP" ]; then
		by_run_piped "$@"
		return
	fi
	BY_OUT=
	BY_RC=0
	{ "$@"; } </dev/null >"$BY_TMP" 2>&1 && return
	BY_RC=$?
	by_words
	return "$BY_RC"
}

# The same before there is such a file, or for who has no operation.
by_run_piped() {
	BY_OUT=$("$@" </dev/null 2>&1)
	BY_RC=$?
	[ "${#BY_OUT}" -le 2048 ] || BY_OUT=$(printf %s "$BY_OUT" | tail -c 2048)
	return "$BY_RC"
}

# The last of what was said, after a success too.
by_words() {
	[ -n "$BY_TMP" ] || return 0
	BY_OUT=
	[ -s "$BY_TMP" ] || return 0
	while IFS= read -r by_line || [ -n "$by_line" ]; do
		BY_OUT="$BY_OUT${BY_OUT:+
}$by_line"
		[ "${#BY_OUT}" -le 500 ] || break
	done <"$BY_TMP"
	[ "${#BY_OUT}" -le 500 ] || BY_OUT=$(tail -c 2048 "$BY_TMP")
}

# Run a tool whose words are wanted whatever it returns.
by_try() {
	by_run "$@" || return
	by_words
}

# by_do LABEL COMMAND...: change something, or fail.
by_do() {
	by_label=$1
	shift
	by_mine
	by_at "$by_label"
	by_run "$@" || by_fail "$by_label"
}

# Seconds since the node started, and what is left of the call's time.
by_clock() {
	read -r by_now by_rest </proc/uptime
	by_now=${by_now%%.*}
	BY_LEFT=$((BY_UNTIL - by_now))
	[ "$BY_LEFT" -gt 0 ] || BY_LEFT=0
}

by_nap() {
	sleep "$1" 2>/dev/null || sleep 1
}

# ---- fence and locks

by_seen() {
	by_epoch=0
	if [ -e "$BY_STATE/fences/$BY_OP" ]; then
		read -r by_epoch <"$BY_STATE/fences/$BY_OP" || :
	fi
	case $by_epoch in
	'' | *[!0-9]*) by_epoch=0 ;;
	esac
}

# Is the operation still ours?  Asked before each change.
by_mine() {
	[ -n "$BY_OP" ] || return 0
	by_seen
	[ "$by_epoch" -le "$BY_EPOCH" ] || by_die 6 \
		"operation $BY_OP: epoch $by_epoch came after this one's $BY_EPOCH: another replica owns it"
}

# A file for a lock, nobody else's to read.
by_touch() {
	umask 077
	true >>"$1"
	by_touched=$?
	umask 022
	return "$by_touched"
}

by_lock() {
	if [ -n "$BY_HELD" ]; then
		BY_HELD=
		return
	fi
	command -v flock >/dev/null ||
		by_die 1 "flock is not on this node: install util-linux"
	by_make_dir 0755 "$BY_LOCK"
	by_touch "$BY_LOCK/node.lock" ||
		by_die 1 "$BY_LOCK/node.lock can't be written to"
	by_clock
	exec 9>>"$BY_LOCK/node.lock"
	flock -x -n 9 || flock -x -w "$BY_LEFT" 9 ||
		by_die 4 "waiting for the node lock: the time for this step is over"
}

by_unlock() {
	BY_HELD=
	exec 9>&-
}

# Is the highest epoch that was seen ours, and kept?  It only grows, so this may
# be asked without a lock.
by_fenced() {
	by_mine
	by_file=$BY_STATE/fences/$BY_OP
	[ "$by_epoch" = "$BY_EPOCH" ] && [ -e "$by_file" ]
}

# Keep it, durably; with the node lock held.
by_fence() {
	! by_fenced || return 0
	if [ ! -e "$by_file" ]; then
		BY_FIRST=1
		by_prune
		by_new_fence 2>/dev/null && return
	fi
	by_try by_write_fence || by_fail "fence $by_file"
}

# What is older than any operation, now and then.
by_prune() {
	case $BY_NONCE in
	0[0-3]*)
		find "$BY_STATE/fences" -type f -mtime +7 -exec rm -f {} + 2>/dev/null
		find "$BY_LOCK" -name 'op.*' -type f -mtime +7 -exec rm -f {} + 2>/dev/null
		;;
	esac
}

# An operation begins with epoch 1.  Where it was not seen yet, and as nothing is
# lower, its fence takes no lock and need not survive the node: who comes with a
# higher one finds it empty, whole, or loses it, and keeps his own in its place.
by_first_fence() {
	[ "$BY_EPOCH" = 1 ] || return 1
	by_prune
	umask 077
	set -C
	{ echo 1 >"$BY_STATE/fences/$BY_OP"; } 2>/dev/null && BY_FIRST=1
	set +C
	umask 022
	[ -n "$BY_FIRST" ]
}

# Half of the first one is none, as before it: there is nothing to keep whole.
by_new_fence() {
	by_touch "$by_file" && echo "$BY_EPOCH" >"$by_file" &&
		by_sync "$by_file" "$BY_STATE/fences"
}

by_write_fence() {
	(umask 077 && echo "$BY_EPOCH" >"$by_file.brickyard-new") &&
		by_sync "$by_file.brickyard-new" &&
		mv -f "$by_file.brickyard-new" "$by_file" &&
		by_sync "$BY_STATE/fences"
}

by_sync() {
	sync "$@" 2>/dev/null || sync
}

by_make_dir() {
	[ -d "$2" ] || by_try mkdir -p -m "$1" "$2" || by_fail "mkdir $2"
}

# A mere look has no operation: it takes no fence.  A step that begins with work
# under the node lock (BY_KEEP) gets it at once when it was taken anyway.
by_start() {
	BY_UNTIL=0
	by_clock
	BY_UNTIL=$((by_now + BY_SECONDS))
	[ -n "$BY_OP" ] || return 0
	by_make_dir 0755 "$BY_STATE"
	by_make_dir 0700 "$BY_STATE/fences"
	by_make_dir 0755 "$BY_LOCK"
	if ! by_fenced && ! by_first_fence; then
		by_lock
		by_fence
		BY_HELD=1
	fi
	by_alone
	[ -n "$BY_KEEP" ] || by_unlock
	by_mine
}

# What this operation sent before may still be at work here.
by_alone() {
	command -v flock >/dev/null ||
		by_die 1 "flock is not on this node: install util-linux"
	by_touch "$BY_LOCK/op.$BY_OP" ||
		by_die 1 "$BY_LOCK can't be written to"
	exec 8>>"$BY_LOCK/op.$BY_OP"
	if ! flock -x -n 8; then
		by_unlock
		by_clock
		flock -x -w "$BY_LEFT" 8 ||
			by_die 2 "an earlier script of operation $BY_OP is still at work on this node"
	fi
	BY_TMP=$BY_LOCK/op.$BY_OP
}

by_end() {
	printf '@BY %s done\n' "$BY_NONCE"
}

# ---- jobs side by side

BY_JOBS=
by_wait() {
	by_bad=0
	for by_job in $BY_JOBS; do
		wait "$by_job" || by_bad=1
	done
	BY_JOBS=
	[ "$by_bad" = 0 ] || exit 1
}
