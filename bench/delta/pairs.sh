# SPDX-License-Identifier: Apache-2.0
# What corpus.sh and others.sh share: an apt root of their own in DIR, and files out of packages. Sourced with DIR and the wanted
# pairs as arguments, `here` as this folder, `kind` as the root's name, `architectures` as apt has them, separated by commas, and the `suites`.
mkdir -p "$1"
dir=$(cd "$1" && pwd)
shift
only=$*
root=$dir/.apt-$kind
mirror=${DEBIAN_MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' | grep '/debian/$' | head -1)}
[ -n "$mirror" ] || { echo "corpus: no Debian mirror in /etc/apt; set DEBIAN_MIRROR" >&2; exit 1; }
mkdir -p "$root/state/lists/partial" "$root/cache/archives/partial" "$root/log" "$root/etc"
: >"$root/etc/status"
for suite in $suites; do
    echo "deb [arch=$architectures signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main"
done >"$root/etc/sources.list"
cat >"$root/apt.conf" <<END
Dir "$root"; Dir::Etc "$root/etc"; Dir::Etc::sourcelist "sources.list"; Dir::Etc::sourceparts "/dev/null";
Dir::Etc::parts "/dev/null"; Dir::State "$root/state"; Dir::State::status "$root/etc/status"; Dir::Cache "$root/cache";
Dir::Log "$root/log"; APT::Architecture "arm64"; APT::Architectures { "$(echo "$architectures" | sed 's/,/"; "/g')"; }; APT::Sandbox::User "root";
Acquire::Languages "none"; Debug::NoLocking "true";
END
export APT_CONFIG="$root/apt.conf"
[ -e "$root/updated" ] || { apt-get -q update && touch "$root/updated"; }

wanted() { # wanted PAIR
    [ -n "$only" ] || return 0
    case " $only " in *" $1 "*) return 0 ;; esac
    return 1
}

take() { # take PACKAGE=VERSION FILE OUT: one file out of one package
    into=$root/x/$(echo "$1" | tr ':=' '__')
    if [ ! -e "$into/done" ]; then
        rm -rf "$into"
        mkdir -p "$into"
        (cd "$into" && apt-get -q download "$1" && dpkg-deb -x ./*.deb . && touch done) || return 1
    fi
    cp "$into/$2" "$3"
}

pair() { # pair NAME PACKAGE=OLD PACKAGE=NEW FILE [NEWFILE]
    wanted "$1" || return 0
    [ -s "$dir/$1/old" ] && [ -s "$dir/$1/new" ] && return 0
    mkdir -p "$dir/$1"
    if take "$2" "$4" "$dir/$1/old" && take "$3" "${5:-$4}" "$dir/$1/new"; then
        return 0
    fi
    rm -rf "${dir:?}/$1"
    echo "corpus: $1: the archive does not have its packages" >&2
}

made() { # made NAME FROM COMMAND: another pair out of one that is there
    [ -s "$dir/$2/new" ] || return 0
    [ -s "$dir/$1/old" ] && [ -s "$dir/$1/new" ] && return 0
    mkdir -p "$dir/$1"
    for side in old new; do
        "$3" "$dir/$2/$side" "$dir/$1/$side" || { rm -rf "${dir:?}/$1"; return 0; }
    done
}

finish() { # what it all came to
    rm -rf "$root/x"
    (cd "$dir" && for p in */; do [ -s "$p/new" ] && sha256sum "${p}old" "${p}new"; done) >"$dir/corpus.sha256"
    cat "$dir/corpus.sha256"
}

unhex() { python3 -B "$here/payload.py" hex "$1" "$2"; }
unpack() { python3 -B "$here/payload.py" kernel "$1" "$2"; }
pack() { gzip -9nc "$1" >"$2"; }
