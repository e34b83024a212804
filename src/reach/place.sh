# What runs there after the greeting, in any POSIX shell: it becomes the agent if the right one is there, else says so and
# takes it from its input. `$1` is the mark of what it says; `digest` and `bytes` of the program are put before this, and what
# it is to be there as `part`.
# A digest takes a tenth of a second, so it is noted of which file it was made: whoever changes a file changes the time of
# its last change, too.
umask 077
mark=$1
folder="${BANISTER_STATE:-${XDG_STATE_HOME:-$HOME/.local/state}/banister}/agent/$digest"
program="$folder/banister"
say() { printf '%s\n' "$mark $*"; }
digest() { { sha256sum || shasum -a 256; } 2>/dev/null <"$1" | cut -c 1-64; }
state() { stat -c '%s %i %z' "$program" 2>/dev/null; }
is_checked() { [ -s "$folder/checked" ] && [ "$(cat "$folder/checked")" = "$(state)" ]; }
stuck() { say stuck "$@"; exit 1; }
no_room() {
    rm -f "$fresh"
    stuck room "$(df -Pk "$folder" 2>/dev/null | { read -r _; read -r _ _ _ free _; echo "${free:-unknown}"; }) $folder"
}
is_there() { is_checked || [ "$(digest "$program" 2>/dev/null)" = "$digest" ]; }
# Errors are read by a program: those of the placing are in English, those of the agent as its user has them.
is_there || (
    LC_ALL=C
    export LC_ALL
    say missing "$(uname -s) $(uname -m)"
    read -r answer && [ "$answer" = send ] || exit 1
    fresh="$folder/new.$$"
    trap 'rm -f "$fresh"' EXIT
    find "$folder" -name 'new.*' -mmin +60 -exec rm -f {} + 2>/dev/null
    mkdir -p "$folder" && head -c "$bytes" >"$fresh" && chmod 700 "$fresh" && sync || no_room
    [ "$(digest "$fresh")" = "$digest" ] || stuck copy "$folder"
    [ -x "$fresh" ] || stuck closed "$folder"
    "$fresh" --version </dev/null >/dev/null
    case $? in
    0) ;;
    126) stuck closed "$folder" ;;
    *) stuck start "$({ getconf GNU_LIBC_VERSION || ldd --version; } 2>&1 | grep -iE '^(glibc|musl)' | head -n 1)" ;;
    esac
    mv -f "$fresh" "$program" || no_room
    trap - EXIT
) || exit 1
[ -x "$program" ] || stuck closed "$folder"
is_checked || state >"$folder/checked"
say ready
exec "$program" "$part"
