# As COPY does: of a directory what is in it, of a file the file.
copy() {
    to="$1"
    shift
    for from; do
        if [ -d "$from" ]; then
            mkdir -p "$to"
            cp -R "$from/." "$to"
        else
            case "$to" in
                */) mkdir -p "$to" ;;
                *) mkdir -p "${to%/*}" ;;
            esac
            cp "$from" "$to"
        fi
    done
}
