"""pt2.py FILE.py...: runs each file, which says in Python what is in FILE.pt2, an archive
as torch.export.save writes it:

    p = Program()
    x = p.input(f32("x", "s0", 4))
    w = p.weight("fc.weight", f32("w", 3, 4))
    p.output(p.node("aten.linear.default", f32("linear", "s0", 3), input=x, weight=w))
    save(p)

Sizes are integers, formulas ("2*s0 + 1"), or, with a parenthesis, what sympy prints. What
`save` gets is a program, an archive, whose members may be changed before, or bytes.
"""

import ast
import json
import math
import pathlib
import struct
import sys
import zlib

# --- Values -----------------------------------------------------------------------------

DTYPES = {  # name: number in files, code of struct, bytes
    "u8": (1, "B", 1),
    "i8": (2, "b", 1),
    "i16": (3, "h", 2),
    "i32": (4, "i", 4),
    "i64": (5, "q", 8),
    "f16": (6, "e", 2),
    "f32": (7, "f", 4),
    "f64": (8, "d", 8),
    "bool": (12, "?", 1),
    "bf16": (13, "H", 2),
}


class Tensor:
    def __init__(self, dtype, name, *sizes):
        self.dtype, self.name, self.sizes = dtype, name, sizes


class Size:
    """An integer of the graph, and what it is in terms of symbols."""

    def __init__(self, name, formula):
        self.name, self.formula = name, formula


def maker(dtype):
    return lambda name, *sizes: Tensor(dtype, name, *sizes)


def dtype(name):
    return {"as_scalar_type": DTYPES[name][0]}


def sympy(formula):
    """A formula of Python as sympy's srepr has it, which archives hold."""
    functions = {"Add": "Add", "Mult": "Mul", "FloorDiv": "FloorDiv", "Mod": "Mod"}

    def show(node):
        if isinstance(node, ast.Name):
            return f"Symbol('{node.id}', positive=True, integer=True)"
        if isinstance(node, ast.Constant):
            return f"Integer({node.value})"
        if isinstance(node, ast.Call):
            arguments = ", ".join(show(argument) for argument in node.args)
            return f"{node.func.id.capitalize()}({arguments})"
        if isinstance(node, ast.UnaryOp):
            return f"Mul(Integer(-1), {show(node.operand)})"
        left, right = show(node.left), show(node.right)
        if isinstance(node.op, ast.Sub):
            return f"Add({left}, Mul(Integer(-1), {right}))"
        return f"{functions[type(node.op).__name__]}({left}, {right})"

    return show(ast.parse(formula, mode="eval").body)


def expression(formula):
    """The formula as sympy prints it; one that has been is left alone."""
    return formula if "(" in formula else sympy(formula)


def size(value):
    if isinstance(value, int):
        return {"as_int": value}
    return {"as_expr": {"expr_str": expression(value), "hint": {"as_int": 2}}}


def argument(value):
    """The union of a value of Python; a dictionary is one already."""
    if isinstance(value, dict):
        return value
    if value is None:
        return {"as_none": True}
    if isinstance(value, bool):
        return {"as_bool": value}
    if isinstance(value, int):
        return {"as_int": value}
    if isinstance(value, float):
        names = {math.inf: "Infinity", -math.inf: "-Infinity"}
        return {"as_float": "NaN" if math.isnan(value) else names.get(value, value)}
    if isinstance(value, str):
        return {"as_string": value}
    if isinstance(value, Tensor):
        return {"as_tensor": {"name": value.name}}
    if isinstance(value, Size):
        return {"as_sym_int": {"as_name": value.name}}
    items = [argument(item) for item in value]
    kinds = {kind for item in items for kind in item}
    if kinds == {"as_tensor"}:
        return {"as_tensors": [item["as_tensor"] for item in items]}
    if kinds <= {"as_tensor", "as_none"}:
        return {"as_optional_tensors": items}
    if kinds == {"as_int"}:
        return {"as_ints": list(value)}
    return {"as_sym_ints": [item.get("as_sym_int", item) for item in items]}


def tensor_meta(tensor, strides=None, offset=0):
    if strides is None:
        strides = [1]
        for extent in reversed(tensor.sizes[1:]):
            strides.insert(0, strides[0] * extent if isinstance(extent, int) else 1)
        strides = strides[: len(tensor.sizes)]
    return {
        "dtype": DTYPES[tensor.dtype][0],
        "sizes": [size(value) for value in tensor.sizes],
        "requires_grad": False,
        "device": {"type": "cpu", "index": None},
        "strides": [size(value) for value in strides],
        "storage_offset": {"as_int": offset},
        "layout": 7,
    }


def pack(dtype, values):
    """The values as bytes; of bf16, the words."""
    return struct.pack(f"<{len(values)}{DTYPES[dtype][1]}", *values)


def some_values(tensor):
    count = math.prod(tensor.sizes)
    if tensor.dtype == "f32":
        return [(i * 37 % 64 - 31) / 64 for i in range(count)]
    return [i % 2 for i in range(count)]


# --- Programs ---------------------------------------------------------------------------


class Program:
    def __init__(self):
        self.inputs, self.specs, self.outputs, self.nodes = [], [], [], []
        self.tensors, self.sizes, self.ranges = {}, {}, {}
        self.names, self.keys = [], None  # of forward's arguments and results
        self.metadata = {}
        self.files = {"weights": {}, "constants": {}}
        self.configs = {"weights": {}, "constants": {}}

    def at(self, line="", module="", file="/home/user/model.py"):
        """Where the nodes that follow come from."""
        self.metadata = {}
        if line:
            self.metadata["stack_trace"] = (
                '  File "/usr/lib/torch/nn/modules/module.py", line 9, in __call__\n'
                f'    return f()\n  File "{file}", line {line}, in forward\n    y = f(x)\n'
            )
        if module:
            self.metadata["nn_module_stack"] = f"L__self__,,m.M;L__self__x,{module},m.Layer"

    def declare(self, tensor):
        self.tensors[tensor.name] = tensor_meta(tensor)
        return tensor

    def input(self, tensor, name=None):
        self.names.append(name or tensor.name)
        return self.take(tensor, {"user_input": {"arg": argument(tensor)}})

    def take(self, tensor, spec):
        self.inputs.append(argument(tensor))
        self.specs.append(spec)
        return self.declare(tensor)

    def store(self, folder, name, tensor, values=None, like=None, **view):
        """A storage, or that of the tensor `like`, and a view of it."""
        files, prefix = self.files[folder], "weight_" if folder == "weights" else "tensor_"
        if like:
            path = self.configs[folder][like]["path_name"]
        else:
            path = prefix + str(len(files))
            data = some_values(tensor) if values is None else values
            files[path] = data if isinstance(data, bytes) else pack(tensor.dtype, data)
        self.configs[folder][name] = {
            "path_name": path,
            "is_param": folder == "weights",
            "use_pickle": False,
            "tensor_meta": tensor_meta(tensor, **view),
        }

    def weight(self, name, tensor, values=None, **view):
        self.store("weights", name, tensor, values, **view)
        spec = {"arg": {"name": tensor.name}, "parameter_name": name}
        return self.take(tensor, {"parameter": spec})

    def buffer(self, name, tensor, values=None, persistent=True, **view):
        folder = "weights" if persistent else "constants"
        self.store(folder, name, tensor, values, **view)
        spec = {"arg": {"name": tensor.name}, "buffer_name": name, "persistent": persistent}
        return self.take(tensor, {"buffer": spec})

    def constant(self, name, tensor, values=None, **view):
        self.store("constants", name, tensor, values, **view)
        spec = {"arg": {"name": tensor.name}, "tensor_constant_name": name}
        return self.take(tensor, {"tensor_constant": spec})

    def node(self, target, result, /, **arguments):
        """Results: one, several, those of a list, or None."""
        if target.startswith("aten."):
            target = "torch.ops." + target
        results = result if isinstance(result, tuple) else () if result is None else (result,)
        for item in results:
            for value in item if isinstance(item, list) else [item]:
                if isinstance(value, Size):
                    self.sizes[value.name] = size(value.formula)
                else:
                    self.declare(value)
        inputs = [
            {"name": name, "arg": argument(value), "kind": 1} for name, value in arguments.items()
        ]
        self.nodes.append(
            {
                "target": target,
                "inputs": inputs,
                "outputs": [argument(item) for item in results],
                "metadata": dict(self.metadata),
                "is_hop_single_tensor_return": None,
            }
        )
        return result

    def output(self, *values, keys=None):
        self.outputs = [argument(value) for value in values]
        self.keys = keys

    def out_spec(self):
        leaf = {"type": None, "context": None, "children_spec": []}
        leaves = [leaf] * len(self.outputs)
        tree = {"type": "builtins.tuple", "context": "null", "children_spec": leaves}
        if self.keys:
            tree["type"], tree["context"] = "builtins.dict", json.dumps(self.keys)
        return json.dumps([1, tree])

    def json(self):
        graph = {
            "inputs": self.inputs,
            "outputs": self.outputs,
            "nodes": self.nodes,
            "tensor_values": self.tensors,
            "sym_int_values": self.sizes,
            "sym_bool_values": {},
            "is_single_tensor_return": False,
            "custom_obj_values": {},
            "sym_float_values": {},
        }
        signature = {
            "input_specs": self.specs,
            "output_specs": [{"user_output": {"arg": value}} for value in self.outputs],
        }
        call = {
            "inputs": [],
            "outputs": [],
            "in_spec": "[1, {}]",
            "out_spec": self.out_spec(),
            "forward_arg_names": self.names,
        }
        return {
            "graph_module": {
                "graph": graph,
                "signature": signature,
                "module_call_graph": [{"fqn": "", "signature": call}],
                "metadata": {},
                "treespec_namedtuple_fields": {},
            },
            "opset_version": {"aten": 10},
            "range_constraints": {
                name: {"min_val": least, "max_val": most}
                for name, (least, most) in self.ranges.items()
            },
            "schema_version": {"major": 8, "minor": 20},
            "verifiers": ["TRAINING"],
            "torch_version": "2.13.0+cpu",
            "guards_code": [],
        }

    def archive(self):
        archive = Archive()
        for folder in ("weights", "constants"):
            for name, data in self.files[folder].items():
                archive.add(f"data/{folder}/{name}", data)
            config = {"config": self.configs[folder]}
            archive.add(f"data/{folder}/model_{folder}_config.json", config)
        archive.add("models/model.json", self.json())
        archive.add("data/sample_inputs/model.pt", b"PK")
        archive.add("archive_format", b"pt2")
        archive.add("archive_version", b"0")
        archive.add(".data/version", b"6\n")
        archive.add("byteorder", b"little")
        return archive


def linear():
    """A small program, for tests of what is around it."""
    p = Program()
    p.at(line=12, module="encoder.fc")
    x = p.input(f32("x", "s77", 4))
    w, b = p.weight("fc.weight", f32("p_fc_weight", 3, 4)), p.weight("fc.bias", f32("p_b", 3))
    p.output(
        p.node("aten.linear.default", f32("linear", "s77", 3), input=x, weight=w, bias=b)
    )
    return p


# --- Archives ---------------------------------------------------------------------------


class Member:
    """A member; what is not None is written in the place of what would be right."""

    def __init__(self, name, data):
        self.name, self.data = name, data  # bytes, or JSON
        self.method, self.flags = 0, 0x808
        self.root = self.header_name = None
        self.crc = self.bytes = self.stored = self.offset = None
        self.alignment = 64


class Archive:
    def __init__(self):
        self.members = []
        self.end = {}  # members, bytes, offset, end64: instead of what would be right

    def add(self, name, data):
        self.members.append(Member(name, data))
        return self.members[-1]

    def __getitem__(self, name):
        return next(member for member in self.members if member.name == name)

    def __delitem__(self, name):
        self.members.remove(self[name])

    @property
    def program(self):
        return self["models/model.json"].data

    @property
    def graph(self):
        return self.program["graph_module"]["graph"]

    @property
    def weights(self):
        return self["data/weights/model_weights_config.json"].data["config"]

    def write(self, root):
        """Local headers hold no sizes: these are behind the data, and in the directory."""
        file, directory = b"", b""
        for member in self.members:
            name = ((root + "/" if member.root is None else member.root) + member.name).encode()
            data = member.data
            if not isinstance(data, bytes):
                data = json.dumps(data).encode()
            crc, count = zlib.crc32(data), len(data)
            if member.method == 8:
                packer = zlib.compressobj(wbits=-15)
                data = packer.compress(data) + packer.flush()
            header, start = len(file), len(file) + 30 + len(name)
            pad = -(start + 4) % member.alignment
            extra = struct.pack("<2sH", b"FB", pad) + b"Z" * pad
            at = name if member.header_name is None else member.header_name.encode()
            file += struct.pack(
                "<4s5H3I2H",
                *(b"PK\3\4", 45, member.flags, member.method, 0, 0),
                *(0, 0, 0, len(at), len(extra)),
            )
            file += at + extra + data
            file += struct.pack("<4s3I", b"PK\7\10", crc, len(data), count)

            def chosen(value, right):
                return right if value is None else value

            numbers = [
                chosen(member.bytes, count),
                chosen(member.stored, len(data)),
                chosen(member.offset, header),
            ]
            wide = [number for number in numbers if number >= 0xFFFFFFFF]
            extra = struct.pack(f"<2H{len(wide)}Q", 1, 8 * len(wide), *wide) if wide else b""
            narrow = [min(number, 0xFFFFFFFF) for number in numbers]
            directory += struct.pack(
                "<4s6H3I5H2I",
                *(b"PK\1\2", 45, 45, member.flags, member.method, 0, 0),
                *(chosen(member.crc, crc), narrow[1], narrow[0], len(name), len(extra)),
                *(0, 0, 0, 0, narrow[2]),
            )
            directory += name + extra
        return file + directory + self.write_end(len(directory), len(file))

    def write_end(self, length, offset):
        count = self.end.get("members", len(self.members))
        length_, offset_ = self.end.get("bytes", length), self.end.get("offset", offset)
        at = self.end.get("end64", offset + length)
        end64 = struct.pack(
            "<4sQ2H2I4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, length_, offset_
        )
        locator = struct.pack("<4sIQI", b"PK\6\7", 0, at, 1)
        most = 0xFFFFFFFF
        end = struct.pack(
            "<4s4H2IH",
            *(b"PK\5\6", 0, 0, min(count, 0xFFFF), min(count, 0xFFFF)),
            *(min(length_, most), min(offset_, most), 0),
        )
        return end64 + locator + end


# --- Files ------------------------------------------------------------------------------

f32, f16, f64, bf16 = maker("f32"), maker("f16"), maker("f64"), maker("bf16")
i64, i32, i16, i8, u8 = maker("i64"), maker("i32"), maker("i16"), maker("i8"), maker("u8")
boolean = maker("bool")


def run(path):
    def save(content, **end):
        if isinstance(content, Program):
            content = content.archive()
        if isinstance(content, Archive):
            content = content.write(path.stem)
        path.with_suffix(".pt2").write_bytes(content)

    exec(compile(path.read_text(), str(path), "exec"), {**globals(), "save": save})


if __name__ == "__main__":
    for argument_path in sys.argv[1:]:
        run(pathlib.Path(argument_path))
