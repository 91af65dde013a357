"""The fast kernels: one WebAssembly module through wasmtime, or the plain Python that it equals.

In: what `features.kernels.contract` says, from one thread.
Out: an implementation of `contract.Kernels` that has passed its self-test.
Never: a module with another hash or with imports, or a decision of its own.
"""
