# SPDX-License-Identifier: Apache-2.0
# The web server of the demonstration: Debian's nginx, on the loopback, in a directory of its own. Sourced by run.sh.
# Needs $WORK. Sets $PORT. `server_start ROOT RATE` serves ROOT with at most RATE bytes a second; `server_stop` breaks
# off what is under way, as a network does that goes away.

NGINX=$(PATH="$PATH:/usr/sbin" command -v nginx || true)
SRV="$WORK/nginx"
PORT=

server_init()
{
    [ -n "$NGINX" ] || die "nginx is missing: apt-get install nginx-light"
    mkdir -p "$SRV/tmp" "$SRV/logs" "$WORK/inbox/reports"
    : > "$SRV/logs/access.log"
    SERVER_USER=
    if [ "$(id -u)" -eq 0 ]; then
        # The workers give root's rights up wherever the tree can be read without them.
        if setpriv --reuid=65534 --regid=65534 --clear-groups test -r "$WORK/inbox" -a -x "$WORK/inbox" 2>/dev/null; then
            SERVER_USER="user nobody nogroup;"
            chown -R 65534:65534 "$WORK/inbox" "$SRV/tmp"
        else
            SERVER_USER="user root root;"
        fi
    fi
}

server_config()
{
    cat > "$SRV/nginx.conf" <<EOF
$SERVER_USER
pid $SRV/nginx.pid;
error_log $SRV/logs/error.log;
worker_processes 1;
worker_shutdown_timeout 50ms;
events { worker_connections 64; }
http {
    log_format demo '\$request_method \$uri \$status \$body_bytes_sent "\$http_range"';
    access_log $SRV/logs/access.log demo;
    client_body_temp_path $SRV/tmp/body;
    proxy_temp_path $SRV/tmp/proxy;
    fastcgi_temp_path $SRV/tmp/fastcgi;
    uwsgi_temp_path $SRV/tmp/uwsgi;
    scgi_temp_path $SRV/tmp/scgi;
    # Small pieces, so that a limited rate is an even flow and little is on its way at any time.
    sendfile_max_chunk 8k;
    default_type application/octet-stream;
    types { }
    server {
        listen 127.0.0.1:$PORT;
        root $1;
        limit_rate $2;
        location /reports/ {
            root $WORK/inbox;
            dav_methods PUT;
            create_full_put_path on;
        }
    }
}
EOF
}

server_pid()
{
    cat "$SRV/nginx.pid" 2>/dev/null
}

server_is_up()
{
    local pid
    pid=$(server_pid) && [ -n "$pid" ] && (: < "/dev/tcp/127.0.0.1/$PORT") 2>/dev/null
}

server_launch()
{
    server_config "$1" "$2"
    "$NGINX" -p "$SRV" -c "$SRV/nginx.conf" -e "$SRV/logs/error.log" 2>> "$SRV/logs/start.log"
}

# A port that nobody uses is found by using it.
server_pick_port()
{
    local try
    for try in $(seq 1 20); do
        PORT=$((20000 + RANDOM % 20000))
        if ! (: < "/dev/tcp/127.0.0.1/$PORT") 2>/dev/null && server_launch "$1" "$2"; then
            return 0
        fi
    done
    die "nginx does not start: see $SRV/logs"
}

server_start()
{
    if [ -z "$PORT" ]; then
        server_pick_port "$1" "$2"
    else
        server_launch "$1" "$2" || die "nginx does not start: see $SRV/logs/start.log"
    fi
    wait_until 5 server_is_up || die "nginx does not answer: see $SRV/logs/error.log"
}

server_stop()
{
    local pid
    pid=$(server_pid) || return 0
    kill -QUIT "$pid" 2>/dev/null || return 0
    wait_until 5 gone "$pid" || kill -KILL "$pid"
}

# Lines of the access log so far: a mark to measure from.
server_mark()
{
    wc -l < "$SRV/logs/access.log"
}

# Body bytes of image files that were sent since a mark.
server_image_bytes()
{
    tail -n +"$(($1 + 1))" "$SRV/logs/access.log" |
        awk '$1 == "GET" && $2 ~ /\/targets\/os\/img\// && $3 ~ /^20[06]$/ { n += $4 } END { print n + 0 }'
}

server_image_requests()
{
    tail -n +"$(($1 + 1))" "$SRV/logs/access.log" | awk '$1 == "GET" && $2 ~ /\/targets\/os\/img\// { n++ } END { print n + 0 }'
}

# What each resumption fetched a second time: the bytes sent so far minus where the next request begins. One number a line.
server_resumed_from()
{
    tail -n +"$(($1 + 1))" "$SRV/logs/access.log" | awk '
        $1 == "GET" && $2 ~ /\/targets\/os\/img\// && $3 == 206 && match($0, /bytes=[0-9]+/) {
            print substr($0, RSTART + 6, RLENGTH - 6)
            found = 1
            exit
        }
        END { if (!found) print 0 }'
}

server_refetched()
{
    tail -n +"$(($1 + 1))" "$SRV/logs/access.log" | awk '
        $1 == "GET" && $2 ~ /\/targets\/os\/img\// && $3 ~ /^20[06]$/ {
            from = 0
            if (match($0, /bytes=[0-9]+/))
                from = substr($0, RSTART + 6, RLENGTH - 6) + 0
            if (seen++)
                print end - from
            end = from + $4
        }'
}
