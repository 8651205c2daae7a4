# Writes lines of `kit-log --json` to files.

# Returns what stands between two texts.
function between(text, begin, end) {
    text = substr(text, index(text, begin) + length(begin))
    return substr(text, 1, index(text, end) - 1)
}

function shift_files(path,    number) {
    close(path)
    for (number = old; number > 1; number--) {
        system("[ ! -e " path "." number - 1 " ] || mv " path "." number - 1 " " path "." number)
    }
    system((old > 0 ? "mv " path " " path ".1" : "rm " path))
    size[path] = 0
}

{
    number = between($0, "\"number\":", ",") + 0
    name = between($0, "\"name\":\"", "\"")
    # Its name is a file's.
    if (number <= after || name !~ /^[a-z0-9][a-z0-9._+-]*$/) {
        next
    }
    time = between($0, "\"time\":", ",")
    text = substr($0, index($0, "\"text\":\"") + 8)
    sub(/"}$/, "", text)
    gsub(/\\u0009/, "\t", text)
    gsub(/\\"/, "\"", text)
    gsub(/\\\\/, "\\", text)
    line = strftime("%Y-%m-%dT%H:%M:%S", substr(time, 1, length(time) - 3)) \
        "." substr(time, length(time) - 2) "Z " text
    path = "/var/log/" name ".log"
    if (!(path in size)) {
        command = "cat " path " 2> /dev/null | wc -c"
        command | getline size[path]
        close(command)
    }
    if (size[path] > 0 && size[path] + length(line) + 1 > limit) {
        shift_files(path)
    }
    print line >> path
    fflush(path)
    size[path] += length(line) + 1
    print number > "/run/logwrite/last"
    close("/run/logwrite/last")
}
