"""Sends files with tuspy to a real server that is cut off, killed and lied to; what it has then is what was sent."""

import base64
import hashlib
import io
import json
import pathlib
import random
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
import uuid

import requests
from tusclient import client
from tusclient.exceptions import TusCommunicationError, TusUploadFailed
from tusclient.uploader import Uploader

SERVER, WORK, MIB = sys.argv[1], pathlib.Path(sys.argv[2]), int(sys.argv[3])
PASSWORD = "demo-Anquan-2026"
TUS = {"Tus-Resumable": "1.0.0"}


class Server:
    """The real program on a folder of its own, always on the same port."""

    def __init__(self):
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.base = f"http://127.0.0.1:{self.port}"
        self.start()

    def start(self):
        command = [SERVER, "serve", "--demo", "--data-dir", WORK / "data", "--log", "warn", "--listen"]
        command += [f"127.0.0.1:{self.port}", "--metrics-listen", "127.0.0.1:0"]
        log = open(WORK / "log", "a")
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        for line in self.process.stdout:
            if "listens on" in line:
                return
        sys.exit("the server ended before it listened")

    def kill(self):
        self.process.kill()
        self.process.wait()


class Cutter:
    """Forwards to the server; of three connections one ends after some bytes of the question, and one before its answer."""

    def __init__(self, port, seed, longest):
        self.port, self.random, self.longest = port, random.Random(seed), longest
        self.connections = self.cut_asking = self.cut_answering = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            near, _ = self.listener.accept()
            self.connections += 1
            # The third is cut in any case, and so is the first question that is long enough.
            fate = "answer" if self.connections == 3 else self.random.choice(["whole", "question", "answer"])
            most = self.random.randrange(1, self.longest)
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
                if (fate == "question" or self.cut_asking == 0) and sent + len(piece) > most:
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
    request = urllib.request.Request(server.base + "/api/v1" + path, data, headers, method=method)
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
        except TusCommunicationError as error:
            must(error.status_code is None, f"the upload could not be begun: {error.response_content}")
            time.sleep(0.02)
    sys.exit("the upload could not be begun")


def must(so, what):
    if not so:
        sys.exit(f"not so: {what}")


def paper(name, length):
    return b"%PDF-1.4\n" + random.Random(name).randbytes(length)


def declared(content):
    evidence = str(uuid.uuid4())
    target = {"hazard_id": hazard, "round": 1, "role": "before"}
    body = {"id": evidence, "sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    call("POST", "/evidence", body | {"media_type": "application/pdf", "target": target}, token)
    return evidence


def received(evidence):
    return call("GET", f"/evidence/{evidence}", token=token)["received_at"] is not None


def uploader(content, evidence, kind=Uploader, port=None, **more):
    tus = client.TusClient(f"http://127.0.0.1:{port or server.port}/api/v1/uploads", headers=SIGNED)
    more.setdefault("metadata", {"evidence_id": evidence, "filename": "../../照片.pdf"})
    return kind(file_stream=io.BytesIO(content), client=tus, **more)


def part(url):
    return WORK / "data/evidence/.parts" / url.rsplit("/", 1)[1]


def over_a_bad_line(name, chunk, checksum):
    content = paper(name, (MIB << 20) + 12345)
    evidence = declared(content)
    proxy = Cutter(server.port, name, min(chunk, len(content)))
    sender = uploader(
        content, evidence, port=proxy.address, chunk_size=chunk, retries=500, retry_delay=0.02, upload_checksum=checksum
    )
    sender.set_url(persistent(sender.create_url))
    sender.upload()
    must(received(evidence) and sender.offset == len(content), name)
    must(proxy.cut_asking > 0 and proxy.cut_answering > 0, "too little was cut: this has shown nothing")
    print(
        f"{name}: {len(content)} bytes over {proxy.connections} connections, {proxy.cut_asking} cut while asking, "
        f"{proxy.cut_answering} before the answer: received"
    )


def across_a_killed_server():
    content = paper("killed", (MIB << 20) + 77)
    evidence = declared(content)
    first = uploader(content, evidence, chunk_size=200_000)
    first.upload(stop_at=len(content) // 3)
    acknowledged = first.offset
    # A piece is on its way when the server is killed.
    half = socket.create_connection(("127.0.0.1", server.port))
    path = first.url.split(str(server.port), 1)[1]
    head = f"PATCH {path} HTTP/1.1\r\nHost: a\r\nAuthorization: {SIGNED['Authorization']}\r\nTus-Resumable: 1.0.0\r\n"
    head += f"Upload-Offset: {acknowledged}\r\nContent-Type: application/offset+octet-stream\r\n"
    head += f"Content-Length: {len(content) - acknowledged}\r\n\r\n"
    half.sendall(head.encode() + content[acknowledged : acknowledged + 400_000])
    time.sleep(0.3)
    server.kill()
    half.close()
    server.start()
    second = uploader(content, evidence, url=first.url, chunk_size=300_000)
    must(acknowledged <= second.offset <= acknowledged + 400_000, f"{second.offset} after {acknowledged}")
    went_on = second.offset
    second.upload()
    must(received(evidence), "received after the server was killed")
    must(not part(first.url).exists(), "the part is gone")
    print(f"killed server: {acknowledged} bytes acknowledged, went on at {went_on} of {len(content)}: received")


class Liar(Uploader):
    """Says checksums that are not those of its pieces."""

    @property
    def checksum_algorithm(self):
        return lambda piece: hashlib.sha1(piece + b"x")


def with_a_wrong_checksum():
    content = paper("checksum", 300_000)
    evidence = declared(content)
    liar = uploader(content, evidence, Liar, chunk_size=100_000, upload_checksum=True)
    try:
        liar.upload()
        sys.exit("a wrong checksum was taken")
    except TusUploadFailed as error:
        must(error.status_code == 460, f"460 and not {error.status_code}")
    honest = uploader(content, evidence, url=liar.url, chunk_size=100_000, upload_checksum=True)
    must(honest.offset == 0, f"nothing of it counts: {honest.offset}")
    honest.upload()
    must(received(evidence), "received with the right checksums")
    print("wrong checksum: 460, nothing of it kept; with the right ones received")


def that_expires():
    content = paper("late", 300_000)
    evidence = declared(content)
    late = uploader(content, evidence, chunk_size=100_000)
    late.upload_chunk()
    must("GMT" in late.request.response_headers["upload-expires"], "Upload-Expires")
    with sqlite3.connect(WORK / "data/anxiao.db", timeout=10) as database:
        gone = database.execute("UPDATE uploads SET expires_at = ? WHERE done = 0", [int(time.time() * 1e6) - 1])
        must(gone.rowcount == 1, f"one upload was under way: {gone.rowcount}")
    database.close()
    try:
        late.upload()
        sys.exit("an upload that has expired was gone on with")
    except TusUploadFailed as error:
        must(error.status_code == 410, f"410 and not {error.status_code}")
    uploader(content, evidence, chunk_size=100_000).upload()
    must(received(evidence), "received by a new upload")
    print("expired: 410; a new one received")


def that_is_ended():
    content = paper("ended", 300_000)
    evidence = declared(content)
    sender = uploader(content, evidence, chunk_size=100_000)
    sender.upload_chunk()
    must(part(sender.url).stat().st_size == 100_000, "a part on disk")
    must(requests.delete(sender.url, headers=SIGNED | TUS).status_code == 204, "ended")
    must(not part(sender.url).exists(), "nothing is left of it")
    must(requests.head(sender.url, headers=SIGNED | TUS).status_code == 404, "not found")
    must(not received(evidence), "not received")
    print("ended: 204, then 404; nothing left on disk")


def that_is_something_else():
    content = paper("declared", 200_000)
    evidence = declared(content)
    sender = uploader(paper("sent", 200_000), evidence, chunk_size=100_000)
    try:
        sender.upload()
        sys.exit("content that was not declared was taken")
    except TusUploadFailed as error:
        told = json.loads(error.response_content)
        must((error.status_code, told["code"]) == (422, "wrong_hash"), told)
    must(not received(evidence) and not part(sender.url).exists(), "nothing of it is kept")
    key = base64.b64encode(evidence.encode()).decode()
    begin = SIGNED | TUS | {"Upload-Metadata": f"evidence_id {key}"}
    longer = requests.post(server.base + "/api/v1/uploads", headers=begin | {"Upload-Length": "200010"})
    must(longer.status_code == 422, longer.text)
    huge = requests.post(server.base + "/api/v1/uploads", headers=begin | {"Upload-Length": str(21 << 20)})
    must(huge.status_code == 413, huge.text)
    print("something else: 422 wrong_hash; another length 422; 21 MiB 413")


server = Server()
try:
    token = call("POST", "/auth/login", {"username": "officer1", "password": PASSWORD})["access_token"]
    SIGNED = {"Authorization": f"Bearer {token}"}
    school = call("GET", "/me", token=token)["memberships"][0]["org"]["id"]
    found = {"category": "fang", "domain": "fire", "title": "疏散通道堆物", "description": "堆物", "source": "self_check"}
    hazard = call("POST", "/hazards", found | {"org_id": school}, token)["id"]
    over_a_bad_line("large pieces", 64 << 20, False)
    over_a_bad_line("small pieces with SHA-1", 96 << 10, True)
    across_a_killed_server()
    with_a_wrong_checksum()
    that_expires()
    that_is_ended()
    that_is_something_else()
finally:
    server.kill()
