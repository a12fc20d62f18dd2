# SPDX-License-Identifier: Apache-2.0
"""Repositories in memory, served on 127.0.0.1 as a plain file server does: HTTP/1.0, one request a connection. Every
request is written down."""
import http.server
import threading
from urllib.parse import unquote

NOT_FOUND = b"<!DOCTYPE HTML><html><head><title>Error response</title></head><body><h1>404</h1></body></html>"


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def do_GET(self):
        self.server.serve(self)

    def do_HEAD(self):
        self.server.serve(self)

    def answer(self, status, body, send=None):
        """send: bytes after which the connection is closed"""
        self.send_response(status)
        self.send_header("Content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[:send])


def look_up(files, name):
    """As a file server does: whatever a client need not have escaped and did is the same name."""
    if name in files:
        return files[name]
    return next((data for key, data in files.items() if unquote(key) == unquote(name)), None)


class Server(http.server.ThreadingHTTPServer):
    """URLs are /SITE/CLIENT/metadata/... and /SITE/CLIENT/targets/..., where SITE is whatever add() was given."""
    daemon_threads = True
    request_queue_size = 64

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.sites, self.log = {}, []
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def handle_error(self, request, address):
        pass  # a client that hangs up is not the server's trouble

    def add(self, site, repo):
        self.sites[site] = repo

    def url(self, site, client, part):
        return f"http://127.0.0.1:{self.server_address[1]}/{site}/{client}/{part}/"

    def serve(self, request):
        _, site, client, part, name = request.path.split("/", 4)
        self.log.append((site, client, f"{request.command} {part}/{name}"))
        repo = self.sites[site]
        data = look_up(repo.files if part == "metadata" else repo.targets, name)
        if name in repo.dropped:
            request.close_connection = True
        elif name in repo.status:
            request.answer(repo.status[name], NOT_FOUND)
        elif data is None:
            request.answer(404, NOT_FOUND)
        elif name in repo.cut:
            request.answer(200, data, len(data) // 2)
        else:
            request.answer(200, data)

    def requests(self, site, client):
        return [line for s, c, line in self.log if (s, c) == (site, client)]
