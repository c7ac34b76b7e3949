"""Sends files with tuspy through a proxy that cuts, and compares what the server has with what was sent."""

import hashlib
import io
import json
import random
import socket
import sys
import threading
import time
import urllib.error
import urllib.request
import uuid

from tusclient import client
from tusclient.exceptions import TusCommunicationError

BASE = sys.argv[1]
MIB = int(sys.argv[2])
PASSWORD = "demo-Anquan-2026"


class Cutter:
    """Forwards to the server; of three connections one ends after some bytes of the question, and one before its answer."""

    def __init__(self, port, seed):
        self.port, self.random = port, random.Random(seed)
        self.connections = self.cut_asking = self.cut_answering = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            near, _ = self.listener.accept()
            self.connections += 1
            fate = self.random.choice(["whole", "question", "answer"])
            most = self.random.randrange(1, 2 << 20)
            threading.Thread(target=self.forward, args=(near, fate, most), daemon=True).start()

    def forward(self, near, fate, most):
        far = socket.create_connection(("127.0.0.1", self.port))

        def answer():
            try:
                while piece := far.recv(65536):
                    if fate == "answer":
                        self.cut_answering += 1
                        break
                    near.sendall(piece)
            except OSError:
                pass
            close(near, far)

        threading.Thread(target=answer, daemon=True).start()
        sent = 0
        try:
            while piece := near.recv(65536):
                if fate == "question" and sent + len(piece) > most:
                    far.sendall(piece[: most - sent])
                    self.cut_asking += 1
                    break
                far.sendall(piece)
                sent += len(piece)
        except OSError:
            pass
        close(near, far)


def close(*sockets):
    for one in sockets:
        try:
            one.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        one.close()


def call(method, path, body=None, token=None):
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(BASE + "/api/v1" + path, data, headers, method=method)
    try:
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        sys.exit(f"{method} {path}: {error.code} {error.read().decode()}")


def persistent(what):
    """A client of its own would try again: creation is the one call that tuspy does not repeat."""
    for _ in range(200):
        try:
            return what()
        except TusCommunicationError:
            time.sleep(0.02)
    sys.exit("the upload could not be begun")


token = call("POST", "/auth/login", {"username": "officer1", "password": PASSWORD})["access_token"]
school = call("GET", "/me", token=token)["memberships"][0]["org_id"]
hazard = call(
    "POST",
    "/hazards",
    {"org_id": school, "category": "fang", "domain": "fire", "title": "疏散通道堆物", "description": "堆物", "source": "self"},
    token,
)["id"]
failed = False
for name, chunk, checksum in [("large pieces", 64 << 20, False), ("small pieces with SHA-1", 96 << 10, True)]:
    content = b"%PDF-1.4\n" + random.Random(name).randbytes((MIB << 20) + 12345)
    evidence = str(uuid.uuid4())
    call(
        "POST",
        "/evidence",
        {
            "id": evidence,
            "sha256": hashlib.sha256(content).hexdigest(),
            "bytes": len(content),
            "media_type": "application/pdf",
            "target": {"hazard_id": hazard, "round": 1, "role": "before"},
        },
        token,
    )
    proxy = Cutter(int(BASE.rsplit(":", 1)[1]), name)
    tus = client.TusClient(
        f"http://127.0.0.1:{proxy.address}/api/v1/uploads", headers={"Authorization": f"Bearer {token}"}
    )
    uploader = tus.uploader(
        file_stream=io.BytesIO(content),
        chunk_size=chunk,
        metadata={"evidence_id": evidence},
        retries=500,
        retry_delay=0.02,
        upload_checksum=checksum,
    )
    uploader.set_url(persistent(uploader.create_url))
    uploader.upload()
    view = call("GET", f"/evidence/{evidence}", token=token)
    good = view["received_at"] is not None and uploader.offset == len(content)
    failed |= not good
    print(
        f"{name}: {len(content)} bytes over {proxy.connections} connections, {proxy.cut_asking} cut while asking, "
        f"{proxy.cut_answering} before the answer: {'received' if good else view}"
    )
    if proxy.cut_asking + proxy.cut_answering == 0:
        sys.exit("nothing was cut: this run has shown nothing")
sys.exit(failed)
