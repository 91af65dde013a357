"""What the numeric kernels do, in plain Python: the oracle of the fast ones, and their stand-in.

In: raw depth frames as bytes; quotes and bars as rows of float64 in any contiguous buffer.
Out: float64 rows, bit for bit those of the WebAssembly module and of native Rust.
Never: I/O, a library, or a rounding that depends on the platform.
"""
