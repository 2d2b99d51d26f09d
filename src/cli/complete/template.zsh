#compdef @NAME@
# Generated from the option table of @NAME@; do not edit.

@LINES@
@if verbs
_@FUNC@_verbs() {
    local -a verbs
    verbs=(
@VERBS@
    )
    _describe -t verbs verb verbs
}

@end
_@FUNC@() {
@if front
    local curcontext=$curcontext state state_descr line
    local -A opt_args
@end
@if program
    _arguments -s -S@SPECS@
@end
@if front
    _arguments -S -C@SPECS@ && return
    [[ $state == inner ]] || return 1
    # NAME VERB … is completed as NAME-VERB …, where that has a completion.
    if [[ $words[1] == help ]]; then
        _@FUNC@_verbs
    elif (( $+_comps[@NAME@-$words[1]] )); then
        words[1]=@NAME@-$words[1]
        _normal
    else
        @ACTION@
    fi
@end
}

if [[ $funcstack[1] == _@NAME@ ]]; then
    _@FUNC@ "$@"
else
    compdef _@FUNC@ @NAME@
fi
