"""duck.py LIBRARY DATABASE: statements from standard input, one a line; prints for each its rows, its CPU milliseconds.

DuckDB through its C interface, in a process of its own and with one thread, so that its CPU time can be told.
"""
import ctypes
import json
import sys
import time


class Result(ctypes.Structure):  # duckdb_result of duckdb.h; only read through functions
    _fields_ = [("column_count", ctypes.c_uint64), ("row_count", ctypes.c_uint64), ("rows_changed", ctypes.c_uint64),
                ("columns", ctypes.c_void_p), ("error_message", ctypes.c_char_p), ("internal", ctypes.c_void_p)]


def main():
    lib = ctypes.CDLL(sys.argv[1])
    lib.duckdb_result_error.restype = ctypes.c_char_p
    lib.duckdb_row_count.restype = ctypes.c_uint64
    lib.duckdb_value_int64.restype = ctypes.c_int64
    lib.duckdb_value_int64.argtypes = [ctypes.c_void_p, ctypes.c_uint64, ctypes.c_uint64]
    database, con = ctypes.c_void_p(), ctypes.c_void_p()
    if lib.duckdb_open(sys.argv[2].encode(), ctypes.byref(database)) != 0 or \
            lib.duckdb_connect(database, ctypes.byref(con)) != 0:
        sys.exit("DuckDB does not open " + sys.argv[2])
    for line in sys.stdin:
        result = Result()
        start = time.process_time()
        if lib.duckdb_query(con, line.strip().encode(), ctypes.byref(result)) != 0:
            sys.exit("DuckDB: " + lib.duckdb_result_error(ctypes.byref(result)).decode(errors="replace"))
        used = time.process_time() - start
        rows = lib.duckdb_row_count(ctypes.byref(result))
        first = lib.duckdb_value_int64(ctypes.byref(result), 0, 0) if rows else 0
        print(json.dumps({"rows": rows, "first": first, "cpu_ms": used * 1000}), flush=True)
        lib.duckdb_destroy_result(ctypes.byref(result))


main()
