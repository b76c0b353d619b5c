"""The exact values of every function, from the definitions alone, and the errors of results.

Imported on demand; it needs the packages of the extra ``check``. Nothing here is taken from the
formulas or kernels that it judges.

- `definitions`: one expression per activation, and what is known of it;
- `balls`: what evaluates the expressions with proven bounds, and their derivatives;
- `float64`: the same curves in float64, for every float32;
- `reference`: both behind one interface, ``REFERENCES[name](**params).curves[curve]``;
- `rows`: the functions along an axis;
- `ulp`, `samples`: the metric, and floats to test with.

``fastcpuact check`` compares the kernels with them:

- `check`: what there is to do, and doing it on all cores;
- `sweep`: a set of inputs of one function, from `inputs`, in units of work;
- `judgement`, `statistics`: what is wrong with results, and its sums over units;
- `state`, `fingerprint`: going on after an interruption, with the same kernels;
- `report`: table, page, JSON.

Precision is a global setting of Arb: use it from one thread, or from several processes.
"""
