#!/usr/bin/env python3
"""Verifies the proof of a double-random draw, from docs/draws.md alone. Standard library only.

    verify.py FILE      one proof; or a list of proofs, each of which must hold
    verify.py -         many documents, one a line, on standard input: prints `ok` or the first fault of each
"""
import hashlib
import hmac
import json
import struct
import sys

ALGORITHM = "anxiao-draw-1"


class Fault(Exception):
    pass


def need(holds, what):
    if not holds:
        raise Fault(what)


def sha(text):
    return hashlib.sha256(text.encode()).hexdigest()


def rotate(x, n):
    return ((x << n) | (x >> (32 - n))) & 0xFFFFFFFF


def quarter(s, a, b, c, d):
    s[a] = (s[a] + s[b]) & 0xFFFFFFFF
    s[d] = rotate(s[d] ^ s[a], 16)
    s[c] = (s[c] + s[d]) & 0xFFFFFFFF
    s[b] = rotate(s[b] ^ s[c], 12)
    s[a] = (s[a] + s[b]) & 0xFFFFFFFF
    s[d] = rotate(s[d] ^ s[a], 8)
    s[c] = (s[c] + s[d]) & 0xFFFFFFFF
    s[b] = rotate(s[b] ^ s[c], 7)


def block(key, counter):
    start = list(struct.unpack("<4I", b"expand 32-byte k")) + list(struct.unpack("<8I", key)) + [counter, 0, 0, 0]
    s = start[:]
    for _ in range(10):
        for a, b, c, d in ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15),
                           (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14)):
            quarter(s, a, b, c, d)
    return struct.pack("<16I", *((x + y) & 0xFFFFFFFF for x, y in zip(s, start)))


def hkdf(material, salt, info):
    extracted = hmac.new(salt, material, hashlib.sha256).digest()
    return hmac.new(extracted, info + b"\x01", hashlib.sha256).digest()


class Stream:
    def __init__(self, key):
        self.key, self.counter, self.words = key, 0, []

    def word(self):
        if not self.words:
            self.words = list(struct.unpack("<8Q", block(self.key, self.counter)))
            self.counter += 1
        return self.words.pop(0)

    def below(self, n):
        while True:
            x = self.word()
            if x <= 2**64 - 1 - 2**64 % n:
                return x % n

    def shuffle(self, a):
        for i in range(len(a) - 1, 0, -1):
            j = self.below(i + 1)
            a[i], a[j] = a[j], a[i]


def order(text):
    return text.encode()


def schools_of(pool):
    return sorted(pool["schools"], key=lambda s: order(s["id"]))


def strata_of(pool):
    return sorted(pool["strata"], key=lambda s: order(s["name"]))


def pairs_of(pool):
    return sorted(((e["inspector"], e["school"], e["why"]) for e in pool["excluded"]),
                  key=lambda e: tuple(map(order, e)))


def pool_text(p):
    w, v = p["weights"], p["visit"]
    lines = [
        f"{ALGORITHM} pool", f"number {p['number']}", f"title {p['title']}", f"reason {p['reason']}",
        f"frozen {p['frozen_at']} {p['frozen_by']}", f"seeding {p['seeding']} {p['entropy_source']}",
        f"strata-by {p['strata_by']}", f"per-object {p['per_object']}",
        f"weights {w['base']} {w['open']} {w['overdue']} {w['major']} {w['unvisited']}",
        f"visit {v['kind']} {v['planned_from']} {v['planned_to']}",
    ]
    lines += [f"checklist {c}" for c in v["checklist_ids"]]
    lines += [f"stratum {s['name']} {s['size']} {s['take']}" for s in strata_of(p)]
    lines += [f"school {s['id']} {s['stratum']} {s['weight']} {s['open']} {s['overdue']} {s['major']} "
              f"{s['days_unvisited']} {s['name']}" for s in schools_of(p)]
    lines += [f"inspector {i}" for i in sorted(p["inspectors"], key=order)]
    lines += ["excluded " + " ".join(e) for e in pairs_of(p)]
    return "".join(line + "\n" for line in lines)


def result_text(d):
    lines = [f"{d['algorithm']} result", f"number {d['pool']['number']}", f"pool {d['pool_sha256']}"]
    for s in d["seeds"]:
        lines.append(f"commitment {s['official']} {s['committed_at']} {s['commitment']}")
        lines.append(f"seed {s['revealed_at']} {s['seed']} {s['salt']}")
    if d["entropy"] is not None:
        e = d["entropy"]
        lines += [f"entropy {e['recorded_by']} {e['recorded_at']}", f"entropy-source {e['source']}",
                  f"entropy-text {e['text']}"]
    lines.append(f"drawn {d['drawn_by']} {d['drawn_at']}")
    lines += [" ".join(["pick", str(r["position"]), r["stratum"], r["school"], *r["team"]]) for r in d["results"]]
    return "".join(line + "\n" for line in lines)


def weight(w, s):
    return (w["base"] + w["open"] * min(s["open"], 100) + w["overdue"] * min(s["overdue"], 100)
            + w["major"] * min(s["major"], 100) + w["unvisited"] * (min(s["days_unvisited"], 730) // 30))


def distinct(values):
    values = list(values)
    return len(values) == len(set(values))


def check_pool(p):
    need(p["schools"], "/pool/schools: empty")
    need(distinct(s["id"] for s in p["schools"]), "/pool/schools: one twice")
    need(distinct(p["inspectors"]), "/pool/inspectors: one twice")
    need(distinct(s["name"] for s in p["strata"]), "/pool/strata: one twice")
    need(distinct((e["inspector"], e["school"]) for e in p["excluded"]), "/pool/excluded: one twice")
    names = {s["name"] for s in p["strata"]}
    for s in p["schools"]:
        need(s["weight"] == weight(p["weights"], s) and s["weight"] > 0, f"/pool/schools: weight of {s['id']}")
        need(s["stratum"] in names, f"/pool/schools: stratum of {s['id']}")
    for s in p["strata"]:
        size = sum(1 for one in p["schools"] if one["stratum"] == s["name"])
        need(s["size"] == size and 1 <= s["take"] <= size, f"/pool/strata: {s['name']}")
    excluded = {(e["inspector"], e["school"]) for e in p["excluded"]}
    for s in p["schools"]:
        able = sum(1 for i in p["inspectors"] if (i, s["id"]) not in excluded)
        need(1 <= p["per_object"] <= able, f"/pool/inspectors: too few for {s['id']}")


def draw(p, material):
    stream = Stream(hkdf(material, bytes.fromhex(sha(pool_text(p))), p["number"].encode()))
    drawn = []
    for stratum in strata_of(p):
        left = [s for s in schools_of(p) if s["stratum"] == stratum["name"]]
        for _ in range(stratum["take"]):
            r = stream.below(sum(s["weight"] for s in left))
            for place, school in enumerate(left):
                if r < school["weight"]:
                    break
                r -= school["weight"]
            drawn.append(left.pop(place))
    load = {i: 0 for i in p["inspectors"]}
    excluded = {(e["inspector"], e["school"]) for e in p["excluded"]}
    results = []
    for position, school in enumerate(drawn, 1):
        able = [i for i in sorted(p["inspectors"], key=order) if (i, school["id"]) not in excluded]
        stream.shuffle(able)
        able.sort(key=lambda i: load[i])
        team = able[:p["per_object"]]
        for i in team:
            load[i] += 1
        results.append({"position": position, "stratum": school["stratum"], "school": school["id"], "team": team})
    return results


def bytes32(text, at):
    need(len(text) == 64 and all(c in "0123456789abcdef" for c in text), f"{at}: not 64 lower hexadecimal digits")
    return bytes.fromhex(text)


SHAPE = {
    "": ("algorithm", "pool", "pool_sha256", "seeds", "entropy", "drawn_at", "drawn_by", "results", "result_sha256"),
    "pool": ("number", "title", "reason", "frozen_at", "frozen_by", "seeding", "entropy_source", "strata_by",
             "per_object", "weights", "strata", "schools", "inspectors", "excluded", "visit"),
}
LINES = {"title", "reason", "entropy_source", "name", "source", "text"}


def walk(value, key, in_school):
    """Texts of one line; those that are no prose are one word."""
    if isinstance(value, str):
        need("\n" not in value and "\r" not in value, f"{key}: a line break")
        prose = key in LINES and (key != "name" or in_school)
        need(prose or (value and not any(c.isspace() for c in value)), f"{key}: not one word")
    elif isinstance(value, list):
        for one in value:
            walk(one, key, in_school)
    elif isinstance(value, dict):
        for name, one in value.items():
            walk(one, name, key == "schools")
    else:
        need(value is None and key == "entropy" or type(value) is int and value >= 0, f"{key}: no number")


def verify(d):
    try:
        need(set(d) == set(SHAPE[""]) and set(d["pool"]) == set(SHAPE["pool"]), "/: other fields")
        need(d["algorithm"] == ALGORITHM, "/algorithm")
        walk(d, "", False)
        p = d["pool"]
        check_pool(p)
        need(sha(pool_text(p)) == d["pool_sha256"], "/pool_sha256")
        seeds, entropy = d["seeds"], d["entropy"]
        if p["seeding"] == "two_officials":
            need(len(seeds) == 2 and entropy is None and distinct(s["official"] for s in seeds)
                 and distinct(s["commitment"] for s in seeds), "/seeds: not two officials")
        else:
            need(p["seeding"] == "public_entropy" and len(seeds) == 1 and entropy is not None
                 and entropy["recorded_by"] != seeds[0]["official"], "/seeds: not one beside public entropy")
        material = b""
        for n, s in enumerate(seeds):
            seed, salt = bytes32(s["seed"], f"/seeds/{n}/seed"), bytes32(s["salt"], f"/seeds/{n}/salt")
            need(hashlib.sha256(seed + salt).hexdigest() == s["commitment"], f"/seeds/{n}/commitment")
            material += seed
        material += (entropy["text"] if entropy is not None else "").encode()
        results = draw(p, material)
        for n, pick in enumerate(results):
            need(n < len(d["results"]) and d["results"][n] == pick, f"/results/{n}")
        need(len(results) == len(d["results"]), "/results: too many")
        need(sha(result_text(d)) == d["result_sha256"], "/result_sha256")
    except (KeyError, TypeError, AttributeError, IndexError, ValueError) as error:
        raise Fault(f"not a proof: {error!r}") from error


def main():
    if sys.argv[1:] == ["-"]:
        for line in sys.stdin:
            try:
                verify(json.loads(line))
                print("ok")
            except Fault as fault:
                print(fault)
        return 0
    with open(sys.argv[1], encoding="utf-8") as file:
        proofs = json.load(file)
    for proof in proofs if isinstance(proofs, list) else [proofs]:
        try:
            verify(proof)
        except Fault as fault:
            print(f"does not hold: {fault}", file=sys.stderr)
            return 1
    print("holds")
    return 0


if __name__ == "__main__":
    sys.exit(main())
