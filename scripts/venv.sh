#!/bin/sh
# Makes the virtual environment $1 from the first Python that is new enough. PYTHON=... chooses one.
set -eu
folder=$1

new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

candidates=${PYTHON:-python3 python python3.14 python3.13 python3.12 python3.11}

for candidate in $candidates; do
    if new_enough "$candidate"; then
        echo "Making $folder with $("$candidate" --version) ..."
        if "$candidate" -m venv "$folder"; then
            exit 0
        fi
        rm -rf "$folder"
        echo "error: $candidate cannot make a virtual environment; on Debian and Ubuntu: apt-get install python3-venv" >&2
        exit 1
    fi
done

echo "error: resultant needs Python 3.11 or newer; none of these is: $candidates" >&2
echo "Install one, or name it: make PYTHON=/path/to/python3.12 ..." >&2
exit 1
