"""A server that is slow on purpose: PORT, FILE to note in, seconds for an answer, its status."""

import http.server
import json
import select
import sys
import threading
import time


class Replica(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def note(self, words):
        with open(sys.argv[2], "a") as file:
            file.write(f"{words}\n")

    def reply(self, status, content):
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.reply(200, {"headers": dict(self.headers)})

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.note(f"asked {json.loads(body)['number']}")
        end = time.monotonic() + float(sys.argv[3])
        while time.monotonic() < end:
            if select.select([self.connection], [], [], 0.02)[0]:
                self.note("given up")
                self.close_connection = True
                return
        self.reply(int(sys.argv[4]), {"port": int(sys.argv[1])})


if __name__ == "__main__":
    server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Replica)
    threading.Thread(target=server.serve_forever).start()
