"""TensorFlow Lite beside us: its runtimes on models of one operator, and its way to make tables.

The runtimes are those of the packages ai-edge-litert and tflite-micro, where they are installed.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastcpuact import edge

RUNTIMES = {"litert": "ai_edge_litert", "micro": "tflite_micro"}
_SCHEMAS = {
    "litert": "ai_edge_litert.schema_py_generated",
    "micro": "tflite_micro.tensorflow.lite.micro.python.schema_py_generated",
}
TYPES = {"int8": "INT8", "uint8": "UINT8", "int16": "INT16"}


def installed(runtime: str) -> bool:
    return find_spec(RUNTIMES[runtime]) is not None


def model(
    runtime: str, operator: str, codes: NDArray[Any], input: edge.Affine, output: edge.Affine
) -> bytes:
    """A model with one operator on an array of codes."""
    import flatbuffers

    schema: Any = import_module(_SCHEMAS[runtime])
    code = getattr(schema.BuiltinOperator, operator)

    def tensor(name: str, affine: edge.Affine) -> Any:
        made = schema.TensorT()
        made.name, made.shape, made.buffer = name, list(codes.shape), 0
        made.type = getattr(schema.TensorType, TYPES[codes.dtype.name])
        made.quantization = schema.QuantizationParametersT()
        made.quantization.scale = [affine.scale]
        made.quantization.zeroPoint = [affine.zero_point]
        return made

    op = schema.OperatorT()
    op.opcodeIndex, op.inputs, op.outputs = 0, [0], [1]
    if operator == "SOFTMAX":
        op.builtinOptionsType = schema.BuiltinOptions.SoftmaxOptions
        op.builtinOptions = schema.SoftmaxOptionsT()
        op.builtinOptions.beta = 1.0
    elif operator == "GELU":
        op.builtinOptionsType = schema.BuiltinOptions.GeluOptions
        op.builtinOptions = schema.GeluOptionsT()
        op.builtinOptions.approximate = False
    graph = schema.SubGraphT()
    graph.tensors, graph.operators = [tensor("x", input), tensor("y", output)], [op]
    graph.inputs, graph.outputs, graph.name = [0], [1], "main"
    opcode = schema.OperatorCodeT()
    opcode.builtinCode, opcode.version = code, 1
    opcode.deprecatedBuiltinCode = min(code, 127)
    whole = schema.ModelT()
    whole.version, whole.operatorCodes, whole.subgraphs = 3, [opcode], [graph]
    whole.buffers = [schema.BufferT()]
    builder = flatbuffers.Builder(1024)
    builder.Finish(whole.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def run(
    runtime: str, operator: str, codes: NDArray[Any], input: edge.Affine, output: edge.Affine
) -> NDArray[Any]:
    """What the runtime makes of codes."""
    content = model(runtime, operator, codes, input, output)
    if runtime == "micro":
        from tflite_micro.python.tflite_micro import runtime as micro

        interpreter = micro.Interpreter.from_bytes(content, arena_size=1 << 24)
        interpreter.set_input(codes, 0)
        interpreter.invoke()
        return np.array(interpreter.get_output(0))
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    # Without the delegate of XNNPACK: the kernels of TensorFlow Lite itself.
    resolver = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter = Interpreter(model_content=content, experimental_op_resolver_type=resolver)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], codes)
    interpreter.invoke()
    return np.array(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]))


def generated_table(f: Any, input: edge.Affine, output: edge.Affine) -> NDArray[np.int16]:
    """The 513 entries that TensorFlow Lite's generator gives, in float32 as there.

    Each is the rounded value at 512 steps between the lowest and the highest code, less half of the
    rounded error of the straight line in the middle of the segment that begins there.
    """
    single = np.float32

    def real(affine: edge.Affine, code: int) -> Any:
        return single(affine.scale) * single(code - affine.zero_point)

    low, high = real(input, -(2**15)), real(input, 2**15 - 1)
    step = (high - low) / single(512)
    inverse = single(2**16) / (real(output, 2**15 - 1) - real(output, -(2**15)))

    def at(x: Any) -> Any:
        return f(x.astype(np.float64)).astype(np.float32) * inverse

    def rounded(x: Any) -> Any:
        return np.trunc(x + np.copysign(single(0.5), x))

    i = np.arange(512, dtype=np.float32)
    left, middle, right = (at(low + i * step + part) for part in (single(0), step / 2, step))
    right = at(low + (i + 1) * step)
    line = rounded((right + rounded(left)) / 2)
    bias = rounded((line - rounded(middle)) / 2)
    entries = np.append(rounded(left) - bias, rounded(at(np.array([high]))))
    return np.clip(entries, -(2**15), 2**15 - 1).astype(np.int16)
