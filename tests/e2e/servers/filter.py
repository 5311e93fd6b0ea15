"""Another mail filter beside Tollgate: takes everything, or refuses each message at its end."""
import socketserver
import struct
import threading


class Session(socketserver.StreamRequestHandler):
    def answer(self, octets):
        self.wfile.write(struct.pack("!I", len(octets)) + octets)

    def handle(self):
        while len(head := self.rfile.read(5)) == 5:
            size, command = struct.unpack("!Ic", head)
            self.rfile.read(size - 1)
            if command == b"O":
                self.answer(b"O" + struct.pack("!III", 6, 0, 0))
            elif command == b"E":
                self.server.ends += 1
                self.answer(self.server.verdict)
            elif command == b"Q":
                return
            elif command not in b"DA":
                self.answer(b"c")


class Filter(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, refuses=True):
        super().__init__(("127.0.0.1", 0), Session)
        self.verdict = b"r" if refuses else b"c"
        self.ends = 0
        self.address = f"inet:127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self):
        self.shutdown()
        self.server_close()
