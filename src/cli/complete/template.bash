# Generated from the option table of @NAME@; do not edit.

_@FUNC@_none() {
    compopt +o bashdefault +o default 2>/dev/null
    return 0
}

_@FUNC@_words() {
    local word
    for word in "${@:2}"; do
        [[ $word == "$1"* ]] && COMPREPLY[${#COMPREPLY[@]}]=$before$word
    done
    _@FUNC@_none
}

_@FUNC@_lines() {
    local line
    while IFS= read -r line; do
        if [[ -n $line && $line == "$1"* ]]; then
            printf -v line %q "$line"
            COMPREPLY[${#COMPREPLY[@]}]=$before$line
        fi
    done <<< "$2"
    _@FUNC@_none
}

_@FUNC@() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
    local i word before= skip=0 count=0 ended= first=0
    COMPREPLY=()
    # `--opt=value` is three words where COMP_WORDBREAKS has `=`, but one word to bash 3.
    if [[ $cur == = ]]; then
        cur=
    elif [[ $prev == = && $COMP_CWORD -gt 2 ]]; then
        prev=${COMP_WORDS[COMP_CWORD-2]}
    fi
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [[ $word == = ]]; then
            skip=1
        elif ((skip)); then
            skip=0
        elif [[ -n $ended ]]; then
            ((count++))
        else
            case $word in
@SKIPPING@
                --) ended=1 ;;
                -?*) ;;
                *) ((count++ || (first = i))) ;;
            esac
        fi
    done
    if ((!skip)) && [[ -z $ended && $cur == --*=* ]]; then
        prev=${cur%%=*} skip=1
        [[ ${COMP_WORDBREAKS-} == *=* ]] || before=$prev=
        cur=${cur#*=}
    fi
@if front
    # A verb follows `help`.
    [[ $first -gt 0 && ${COMP_WORDS[first]} == help ]] && ((first = 0, count--))
    if ((first)); then
        local inner=@NAME@-${COMP_WORDS[first]} func
        func=_${inner//-/_}
        if [[ $func =~ ^[A-Za-z0-9_]+$ ]]; then
            if ! declare -F "$func" >/dev/null; then
                if declare -F _comp_load >/dev/null; then
                    _comp_load "$inner" 2>/dev/null
                elif declare -F _completion_loader >/dev/null; then
                    _completion_loader "$inner" 2>/dev/null
                fi
            fi
            if declare -F "$func" >/dev/null; then
                COMP_WORDS=("$inner" "${COMP_WORDS[@]:first+1}")
                COMP_CWORD=$((COMP_CWORD - first))
                "$func"
                return 0
            fi
        fi
@OPERANDS@
        return 0
    fi
@end
    if ((skip)) && [[ -z $ended ]]; then
        case $prev in
@VALUES@
        esac
        _@FUNC@_none
    elif [[ -z $ended && $cur == -* ]]; then
@WORDS@
    else
@OPERANDS@
    fi
}
complete -o bashdefault -o default -F _@FUNC@ @NAME@
