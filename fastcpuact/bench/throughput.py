"""How fast the instructions of a loop can be at best, by llvm-mca.

The loop is taken from the disassembly of the extension module that runs: the innermost loop with
the widest vectors.  llvm-mca knows how many units a processor has for each instruction; the
reciprocal throughput of the loop leaves out latencies and memory, which no order of instructions
could beat.
"""

from __future__ import annotations

import importlib
import json
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import fastcpuact as act
from fastcpuact import engines
from fastcpuact.emit.kernels import kernel_name
from fastcpuact.formulas.language import PRECISIONS
from fastcpuact.kernels.levels import LIGHT, PARTS, X86_64_LEVELS, module_name

from .cases import Case
from .result import Bound

# The processor itself, if llvm-mca has a model of it that knows the level's instructions; else one
# of a kind that has these.
_MODELS = {
    "v4": ("native", "znver4", "icelake-server", "skylake-avx512"),
    "v3": ("native", "haswell"),
    "v2": ("native", "nehalem"),
}
# LLVM gives Zen 5 the units of Zen 4, which take 512 bits in two halves.  Zen 5 takes them whole:
# what LLVM says of 256 bits holds for 512.
_HALVED = ("znver5",)
_NEWEST_LLVM = 40


class NotAvailableError(Exception):
    """Why there are no bounds."""


@dataclass(frozen=True)
class Loop:
    """A vector loop.

    Attributes
    ----------
    code : list of tuple
        Its instructions: address, name, operands.
    width : int
        Bytes of its vectors.
    stored : int
        Bytes that a round stores.
    """

    code: list[tuple[int, str, str]]
    width: int
    stored: int


def bounds(cases: Iterable[Case]) -> dict[str, Bound]:
    """Return bounds for the float32 kernels of some cases, by their `Case.function`.

    Raises
    ------
    NotAvailableError
        With the reason, if there is no llvm-mca, or no disassembler, or nothing to disassemble.
    """
    if not engines.COMPILED or engines.LEVEL not in X86_64_LEVELS:
        raise NotAvailableError("only compiled kernels for x86-64 are looked at")
    analyser, disassembler = _program("llvm-mca"), _program("llvm-objdump", "objdump")
    functions: dict[str, list[str]] = {}
    for part in PARTS:
        module = importlib.import_module(module_name(engines.LEVEL, part))
        assert module.__file__ is not None
        functions |= _functions(disassembler, Path(module.__file__))
    loops: dict[str, tuple[Loop, int]] = {}
    elementwise = [case for case in cases if case.axis is None]
    for case in elementwise:
        record = act.get(case.name).record
        form = record.forms[case.form]
        name = kernel_name(record, form.key(False, record.defaults is not None), PRECISIONS[0])
        # Cython puts the module before a name, and compilers their transformations behind it.
        symbol = re.compile(rf".*_{engines.LEVEL}({LIGHT})?_{name}(_entry)?(\..*)?")
        candidates = [
            loop
            for function, lines in functions.items()
            if symbol.fullmatch(function)
            for loop in vector_loops(lines)
        ]
        if candidates:
            best = max(candidates, key=lambda loop: (loop.width, loop.stored))
            loops[case.function] = best, best.stored // 4 // len(form.results)
    if not elementwise:
        return {}
    if not loops:
        raise NotAvailableError("the extension module has no symbols, or no vector loops")
    cycles, model = _analyse(analyser, [loop for loop, _ in loops.values()], engines.LEVEL)
    return {
        function: Bound(count, elements, model)
        for (function, (_, elements)), count in zip(loops.items(), cycles, strict=True)
    }


def _program(*names: str) -> str:
    """Find a program; of LLVM's, Debian installs several versions side by side."""
    for name in names:
        versions = [f"{name}-{n}" for n in range(_NEWEST_LLVM, 10, -1)] if "llvm" in name else []
        for candidate in (*versions, name):
            if path := shutil.which(candidate):
                return path
    raise NotAvailableError(f"{' or '.join(names)} is not installed (package llvm)")


def _functions(disassembler: str, path: Path) -> dict[str, list[str]]:
    """Disassemble a module: the lines of each function of a kernel."""
    command = [disassembler, "-d", "--no-show-raw-insn", str(path)]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    functions: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in text.splitlines():
        if heading := re.fullmatch(r"[0-9a-f]+ <(.+)>:", line):
            lines = functions.setdefault(heading[1], []) if "_kernel" in heading[1] else []
        else:
            lines.append(line)
    return functions


_INSTRUCTION = re.compile(r"\s*([0-9a-f]+):\s+(\S+)\s*([^#<]*)")
_TARGET = re.compile(r"(?:0x)?([0-9a-f]+)\b")
_STORE = re.compile(r"v?mov(?:[au]p[sd]|nt\w+|dq[au]\w*)$")
_REGISTER_BYTES = {"xmm": 16, "ymm": 32, "zmm": 64}


def vector_loops(lines: Iterable[str]) -> Iterator[Loop]:
    """Yield the innermost loops of a disassembled function that store vectors."""
    code = [
        (int(match[1], 16), match[2], match[3].strip())
        for match in map(_INSTRUCTION.match, lines)
        if match
    ]
    backward = [
        (int(target[1], 16), address)
        for address, name, text in code
        if name.startswith("j") and (target := _TARGET.match(text))
        if int(target[1], 16) <= address
    ]
    for start, end in backward:
        if any((s, e) != (start, end) and start <= s and e <= end for s, e in backward):
            continue
        body = [line for line in code if start <= line[0] <= end]
        stores = [
            _REGISTER_BYTES[register[1]]
            for _, name, text in body
            if _STORE.match(name) and text.endswith(")") and "%rsp" not in text
            if (register := re.match(r"%([xyz]mm)\d+", text))
        ]
        if stores:
            yield Loop(body, max(stores), sum(stores))


def _assembly(loops: Iterable[Loop]) -> str:
    """Write loops for an assembler, which knows no addresses: jumps get labels."""
    lines = []
    for number, loop in enumerate(loops):
        inside = {address for address, _, _ in loop.code}
        lines.append(f"# LLVM-MCA-BEGIN {number}")
        for address, name, text in loop.code:
            if name.startswith("j") and (target := _TARGET.match(text)):
                to = int(target[1], 16)
                text = f".L{number}_{to:x}" if to in inside else ".Lout"
            if "nop" not in f"{name} {text}":
                lines.append(f".L{number}_{address:x}:\n\t{name}\t{text}")
        lines.append("# LLVM-MCA-END")
    # Without a last newline LLVM 22 reads "# LLVM-MCA-EN".
    return "\n".join(lines) + "\n"


def _analyse(analyser: str, loops: Sequence[Loop], level: str) -> tuple[list[float], str]:
    """Return the cycles of each loop and the model that they hold for."""
    assembly = _assembly(loops)
    reason = ""
    for model in _MODELS[level]:
        name = _named(analyser, model)
        if name is None:
            continue
        command = [analyser, f"-mcpu={model}", "-mtriple=x86_64", "--json", "-"]
        text = assembly
        if name in _HALVED:
            text = text.replace("%zmm", "%ymm").replace("{1to16}", "{1to8}")
        done = subprocess.run(command, input=text, capture_output=True, text=True)
        if done.returncode == 0:
            regions = json.loads(done.stdout)["CodeRegions"]
            cycles = [float(region["SummaryView"]["BlockRThroughput"]) for region in regions]
            return cycles, name
        reason = done.stderr.strip().partition("\n")[0]
    raise NotAvailableError(f"llvm-mca failed: {reason}")


def _named(analyser: str, model: str) -> str | None:
    """Name a model; None if it is that of this processor, which is newer than the program."""
    if model != "native":
        return model
    text = subprocess.run([analyser, "--version"], capture_output=True, text=True).stdout
    host = re.search(r"Host CPU: (\S+)", text)
    return host[1] if host and host[1] != "(unknown)" else None
