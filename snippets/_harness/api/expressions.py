"""The expressions of rows: what they may say, which functions they name, how they are run."""

import ast
import builtins
import itertools
import re
from collections.abc import Iterator, Mapping
from types import CodeType
from typing import Any

ROOTS = ("tf", "keras", "torch", "F", "np", "io", "math")
BUILTINS = [
    "abs",
    "all",
    "any",
    "bool",
    "bytes",
    "complex",
    "dict",
    "enumerate",
    "float",
    "int",
    "isinstance",
    "iter",
    "len",
    "list",
    "map",
    "max",
    "min",
    "next",
    "range",
    "reversed",
    "round",
    "set",
    "slice",
    "sorted",
    "str",
    "sum",
    "tuple",
    "type",
    "zip",
    "ValueError",
]
FORBIDDEN = (ast.Import, ast.ImportFrom, ast.Global, ast.Nonlocal, ast.ClassDef, ast.Try)
# C++ code of the frameworks imports with what it finds here; rows cannot say the name.
SAFE = {name: getattr(builtins, name) for name in (*BUILTINS, "__import__")}
FILES = {"save", "load", "read_file", "write_file", "load_library", "fromfile", "from_file"}
FULL = {"F.": "torch.nn.functional.", "tf.keras.": "keras."}


def parse(text: str) -> ast.Module:
    """Return the parsed expression: statements, of which the last is what is compared.

    Raises ValueError where it does not parse, or says what a row may not.
    """
    try:
        tree = ast.parse(text)
    except SyntaxError as error:
        raise ValueError(f"does not parse: {error.msg} in {text!r}") from None
    if not tree.body or not isinstance(tree.body[-1], ast.Expr):
        raise ValueError(f"{text!r} does not end in an expression, whose value is compared")
    for node in ast.walk(tree):
        if isinstance(node, FORBIDDEN):
            what = type(node).__name__.lower()
            message = f"{text!r} may not use {what}; rows are expressions over inputs"
            raise ValueError(message)  # noqa: TRY004 (the text is wrong, not its type)
        if isinstance(node, ast.Attribute) and node.attr.startswith("_"):
            raise ValueError(f"{text!r} uses {node.attr!r}, which is private")
        if isinstance(node, ast.Call) and _takes_path(node):
            raise ValueError(f"{text!r} touches a file; use a buffer in memory, io.BytesIO()")
    return tree


def _takes_path(call: ast.Call) -> bool:
    """Return whether a call reads or writes a file that a text names: C++ cannot be watched."""
    texts = (isinstance(a, ast.Constant) and isinstance(a.value, str) for a in call.args)
    return isinstance(call.func, ast.Attribute) and call.func.attr in FILES and any(texts)


def unknown_names(tree: ast.Module, inputs: Mapping[str, Any]) -> list[str]:
    """Return the names that an expression uses and nothing gives."""
    used, known = set(), {*inputs, *ROOTS, *BUILTINS}
    for node in ast.walk(tree):
        match node:
            case (
                ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name) | ast.FunctionDef(name=name)
            ):
                known.add(name)
            case ast.Name(id=name):
                used.add(name)
    return sorted(used - known)


def compiled(tree: ast.Module) -> tuple[CodeType, CodeType]:
    """Return the code of all statements but the last, and of the last."""
    *first, last = tree.body
    assert isinstance(last, ast.Expr)
    before = compile(ast.Module(first, []), "<row>", "exec")
    return before, compile(ast.Expression(last.value), "<row>", "eval")


def run(code: tuple[CodeType, CodeType], names: dict[str, Any]) -> Any:
    """Return the value of compiled code over ``names``."""
    scope = {"__builtins__": SAFE, **names}
    exec(code[0], scope)  # noqa: S102 (an expression that `parse` has let through)
    return eval(code[1], scope)  # noqa: S307


def names(tree: ast.Module, inputs: Mapping[str, Any] = {}) -> list[str]:
    """Return the public names that an expression calls or reads, outermost first.

    Methods of an input count as methods of a tensor: ``x.abs()`` is ``Tensor.abs``.
    """
    found = [name for node in ast.walk(tree) if (name := dotted(node, inputs))]
    longest = [n for n in found if not any(o.startswith(f"{n}.") for o in found)]
    return list(dict.fromkeys(longest))


def dotted(node: ast.AST, inputs: Mapping[str, Any] = {}) -> str | None:
    """Return ``torch.nn.functional.gelu`` for a node that is the attribute of a module."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.insert(0, node.attr)
        node = node.value
    if not isinstance(node, ast.Name) or not parts:
        return None
    if node.id in inputs:
        return f"Tensor.{parts[0]}"
    return full(".".join([node.id, *parts])) if node.id in ROOTS else None


def is_composed(text: str, inputs: Mapping[str, Any]) -> bool:
    """Return whether an expression takes several calls, or statements."""
    tree = parse(text)
    return len(names(tree, inputs)) > 1 or len(tree.body) > 1


def methods(tree: ast.Module) -> Iterator[str]:
    """Yield the methods of PyTorch's tensors that are called on what an expression computes."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Call() | ast.Subscript() | ast.BinOp())):
                yield f"Tensor.{node.func.attr}"  # type: ignore[attr-defined]
            case ast.Call(func=ast.Attribute(value=ast.Attribute(attr="T" | "mT" | "H" | "mH"))):
                yield f"Tensor.{node.func.attr}"  # type: ignore[attr-defined]


def side(tree: ast.Module) -> str:
    """Return whose expression this is: tensorflow, pytorch or numpy."""
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    if used & {"tf", "keras"}:
        return "tensorflow"
    return "numpy" if "np" in used and not used & {"torch", "F"} else "pytorch"


def is_name(text: str) -> bool:
    """Return whether a text is a dotted name, not an expression."""
    return bool(re.fullmatch(r"[A-Za-z_]\w*(\.\w+)+", text))


def full(name: str) -> str:
    """Return a name without the abbreviations that rows use."""
    for short, long in FULL.items():
        if name.startswith(short):
            return long + name.removeprefix(short)
    return name


def callee(tree: ast.Module, inputs: Mapping[str, Any]) -> str | None:
    """Return the name of the outermost call, whatever is picked from what it returns."""
    node: ast.AST = tree.body[-1]
    while True:
        match node:
            case ast.Expr(value=inner) | ast.Subscript(value=inner):
                node = inner
            case ast.Call(func=function):
                if name := dotted(function, inputs):
                    return name
                node = function
            case ast.Attribute(value=inner):
                if name := dotted(node, inputs):
                    return name
                node = inner
            case _:
                return None


def mutants(text: str) -> Iterator[tuple[str, str]]:
    """Yield an expression with one thing changed, and what: a number, a flag, a name, a sign."""
    tree = ast.parse(text)
    nodes = list(ast.walk(tree))
    for index, node in enumerate(nodes):
        for what, mutate in _changes(node):
            copy = ast.parse(text)
            twin = next(itertools.islice(ast.walk(copy), index, None))
            mutate(twin)
            yield what, ast.unparse(ast.fix_missing_locations(copy))


def _changes(node: ast.AST) -> Iterator[tuple[str, Any]]:
    match node:
        case ast.Constant(value=bool(value)):
            yield f"{value} inverted", lambda twin: setattr(twin, "value", not twin.value)
        case ast.Constant(value=int() | float()):
            yield f"{node.value!r} + 1", lambda twin: setattr(twin, "value", twin.value + 1)
        case ast.Call(keywords=keywords):
            for position, keyword in enumerate(keywords):
                yield f"without {keyword.arg}", lambda twin, at=position: twin.keywords.pop(at)
        case ast.BinOp(op=ast.Add() | ast.Sub()):
            other = ast.Sub if isinstance(node.op, ast.Add) else ast.Add
            yield "another sign", lambda twin: setattr(twin, "op", other())


def renamed(text: str, name: str, inputs: Mapping[str, Any]) -> str:
    """Return an expression with its outermost function, or its method, under another name."""
    tree = ast.parse(text)
    mine = callee(tree, inputs)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and dotted(node.func, inputs) == mine:
            if name.startswith("Tensor."):
                node.func = ast.Attribute(
                    node.args.pop(0), name.removeprefix("Tensor."), ast.Load()
                )
            else:
                if mine and mine.startswith("Tensor."):
                    assert isinstance(node.func, ast.Attribute)
                    node.args.insert(0, node.func.value)
                node.func = ast.parse(name, mode="eval").body
            return ast.unparse(ast.fix_missing_locations(tree))
    raise ValueError("the row's expression has no call to rename; write the other out, with ()")
