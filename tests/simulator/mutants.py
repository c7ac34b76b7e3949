#!/usr/bin/env python3
"""Deliberate faults, each of which the simulator must find.

Each file of mutants/ names a change of the product: the file, the text, and the text in its place, which does the wrong
thing while `crate::mutant::on("NAME")`. All of them are put into one copy of the tree, which is built once; then the
simulator runs with one of them switched on at a time, seed after seed, until a seed fails. The product itself knows
nothing of this.

    tests/simulator/mutants.py [NAME ...] [--seeds 40] [--engine sqlite|postgres] [--target DIR]
"""
import argparse, json, os, pathlib, re, shlex, subprocess, sys, time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SWITCH = '''
#[expect(missing_docs, reason = "only in the copy with the mutants")]
pub mod mutant {
    pub fn on(name: &str) -> bool {
        static NAME: std::sync::LazyLock<String> =
            std::sync::LazyLock::new(|| std::env::var("ANXIAO_MUTANT").unwrap_or_default());
        *NAME == name
    }
}
'''


def edits(text):
    """(file, old, new) of a description."""
    for part in text.split("\nfile: ")[1:]:
        name, rest = part.split("\n", 1)
        old, rest = rest.removeprefix("<<<<\n").split("\n====\n", 1)
        yield name.strip(), old, rest.split("\n>>>>", 1)[0]


def copy(target):
    tree = target / "tree"
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True).stdout
    files = {name.decode(): None for name in listed.split(b"\0") if name and (ROOT / name.decode()).is_file()}
    for name in files:
        files[name] = (ROOT / name).read_bytes()
    for mutant in sorted((HERE / "mutants").glob("*.mutant")):
        for name, old, new in edits(mutant.read_text()):
            source = files[name].decode()
            if source.count(old) != 1:
                sys.exit(f"{mutant.name}: {name} holds the text {source.count(old)} times, and not once")
            files[name] = source.replace(old, new).encode()
    files["src/lib.rs"] += SWITCH.encode()
    for name, content in files.items():
        place = tree / name
        if not place.exists() or place.read_bytes() != content:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
            place.chmod((ROOT / name).stat().st_mode)
    return tree


def build(tree, target, wrap):
    words = wrap + ["cargo", "test", "--locked", "--test", "it", "--no-run", "--message-format=json-render-diagnostics"]
    env = {**os.environ, "CARGO_TARGET_DIR": str(target / "target")}
    said = subprocess.run(words, cwd=tree, env=env, stdout=subprocess.PIPE, text=True)
    if said.returncode:
        sys.exit("the mutants do not compile")
    made = [json.loads(line) for line in said.stdout.splitlines() if line.startswith("{")]
    return [one["executable"] for one in made if one.get("executable") and one["target"]["name"] == "it"][-1]


def hunt(program, tree, name, seeds, engine, limit):
    """The first seed that fails, with what it says."""
    env = {**os.environ, "ANXIAO_MUTANT": name, "ANXIAO_SEEDS": f"1..{seeds}", "ANXIAO_ENGINE": engine}
    began = time.time()
    try:
        run = subprocess.run([program, "simulator::", "--nocapture"], cwd=tree, env=env, text=True, errors="replace",
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=limit)
        said = run.stdout
    except subprocess.TimeoutExpired as late:
        said = (late.stdout or b"").decode(errors="replace")
    seed = re.search(r"SEED (\d+) failed on (\w+)", said)
    words = re.search(r"panicked at [^\n]*\n([^\n]*)", said)
    took = time.time() - began
    return (seed.groups() if seed else None), (words.group(1)[:140] if words else ""), took


def main():
    ask = argparse.ArgumentParser()
    ask.add_argument("names", nargs="*")
    ask.add_argument("--seeds", type=int, default=40)
    ask.add_argument("--engine", default="")
    ask.add_argument("--target", type=pathlib.Path, default=ROOT / "target" / "mutants")
    ask.add_argument("--wrap", type=shlex.split, default=[], help="words before cargo")
    ask.add_argument("--limit", type=int, default=1800, help="seconds for one mutant")
    ask = ask.parse_args()
    tree = copy(ask.target)
    program = build(tree, ask.target, ask.wrap)
    names = ask.names or sorted(one.stem for one in (HERE / "mutants").glob("*.mutant"))
    alive = []
    for name in [""] + names:
        what = (HERE / "mutants" / f"{name}.mutant").read_text().split("\n", 1)[0].lstrip("# ") if name else "no mutant"
        # By sequence and by commit order are the same where there is one writer.
        engine = ask.engine or ("postgres" if name == "cursor-by-sequence" else "")
        seeds = ask.seeds if name else 2
        killer, words, took = hunt(program, tree, name, seeds, engine, ask.limit)
        if name and not killer:
            alive.append(name)
        if not name and killer:
            sys.exit(f"without a mutant seed {killer} fails: {words}")
        told = f"seed {killer[0]}, {killer[1]}" if killer else ("LIVES" if name else "passes")
        print(f"| {name or '-'} | {what} | {told} | {words} | {took:.0f} s |", flush=True)
    if alive:
        sys.exit(f"not found: {', '.join(alive)}")


main()
