# SPDX-License-Identifier: GPL-2.0-or-later
# fish completion for brickyard and heketi-cli: the program knows what fits.
function __brickyard_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    test -n "$current"; or set current ""
    for line in ($words[1] __complete $words[2..-1] $current 2>/dev/null)
        if test "$line" = ":files"
            set -l parts (string split -m 1 = -- $current)
            if string match -q -- "-*=*" $current
                for file in (__fish_complete_path $parts[2])
                    echo -- "$parts[1]=$file"
                end
            else
                __fish_complete_path $current
            end
        else
            echo -- $line
        end
    end
end
complete -c brickyard -f -a "(__brickyard_complete)"
complete -c heketi-cli -f -a "(__brickyard_complete)"
