# SPDX-License-Identifier: GPL-2.0-or-later
# LVM: its commands, and what it has.  by_exec (the wrapper) comes from the host.

# Without a udev daemon LVM would wait for one: it makes its nodes itself.
if [ -z "$BY_LVM_CONFIG$BY_LVM_WRAPPED" ] && [ ! -e /run/udev/control ]; then
	BY_LVM_CONFIG='activation{udev_sync=0 udev_rules=0 verify_udev_operations=0 monitoring=0} devices{obtain_device_list_from_udev=0}'
fi
if [ -n "$BY_LVM_DIR" ]; then
	LVM_SYSTEM_DIR=$BY_LVM_DIR
	export LVM_SYSTEM_DIR
fi

# What it said is in BY_OUT only if it failed.
lvm_try() {
	lvm_verb=$1
	shift
	if [ -n "$BY_LVM_CONFIG" ]; then
		set -- --config "$BY_LVM_CONFIG" "$@"
	fi
	by_run by_exec "$BY_LVM" "$lvm_verb" "$@"
}

lvm_do() {
	by_label=$1
	shift
	by_mine
	by_at "$by_label"
	lvm_try "$@" || by_fail "$by_label"
}

lvm_missing() {
	case $BY_OUT in
	*[Nn]ot\ found* | *[Ff]ailed\ to\ find*) return 0 ;;
	esac
	return 1
}

lvm_read() {
	while IFS= read -r lvm_line; do
		# shellcheck disable=SC2254 # it is a pattern
		case $lvm_line in
		$lvm_pattern*) L_LINES="$L_LINES${lvm_line#"${lvm_line%%[! ]*}"}
" ;;
		esac
	done
}

# lvm_ask LABEL FIELDS VERB REST...: the last line of a report, its fields
# separated by ^, in L_LINE (all of them: L_LINES); nothing there: 1.
lvm_ask() {
	lvm_label=$1
	lvm_fields=$2
	lvm_what=$3
	shift 3
	by_at "$lvm_label"
	L_LINES=
	if ! lvm_try "$lvm_what" --noheadings --separator ^ --units b \
		--nosuffix -o "$lvm_fields" "$@"; then
		lvm_missing || by_fail "$lvm_label"
	fi
	lvm_pattern=
	lvm_rest=$lvm_fields
	while [ "$lvm_rest" != "${lvm_rest#*,}" ]; do
		lvm_pattern="$lvm_pattern*^"
		lvm_rest=${lvm_rest#*,}
	done
	if [ -n "$BY_TMP" ]; then
		lvm_read <"$BY_TMP"
	else
		lvm_read <<-END
		$BY_OUT
		END
	fi
	L_LINE=${L_LINES%%
*}
	[ -n "$L_LINE" ]
}
