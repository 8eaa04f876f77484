# SPDX-License-Identifier: GPL-2.0-or-later
# bash completion for brickyard and heketi-cli: the program knows what fits.
_brickyard()
{
	local line="${COMP_LINE:0:COMP_POINT}" current prefix= word
	local -a words
	read -ra words <<<"$line"
	[[ $line == *[[:space:]] ]] && words+=("")
	current="${words[${#words[@]}-1]}"
	# Where = ends a word, only what follows it is replaced.
	[[ $current == -*=* && $COMP_WORDBREAKS == *=* ]] &&
		prefix="${current%%=*}="
	COMPREPLY=()
	while IFS=$'\t' read -r word _; do
		if [[ $word == :files ]]; then
			compopt -o filenames 2>/dev/null
			mapfile -t COMPREPLY < <(compgen -f -- "${current#"$prefix"}")
		else
			COMPREPLY+=("${word#"$prefix"}")
		fi
	done < <("${words[0]/#\~/$HOME}" __complete "${words[@]:1}" 2>/dev/null)
}
complete -F _brickyard brickyard heketi-cli
