"""libraries.py LIBRARY...: loads libraries of tq apart from each other, and prints the
name of the model that tq_model_open of each gives."""

import ctypes
import sys

for library in [ctypes.CDLL(path, mode=ctypes.RTLD_LOCAL) for path in sys.argv[1:]]:
    library.tq_model_name.restype = ctypes.c_char_p
    library.tq_last_message.restype = ctypes.c_char_p
    model = ctypes.c_void_p()
    if library.tq_model_open(ctypes.byref(model)):
        sys.exit(library.tq_last_message().decode())
    print(library.tq_model_name(model).decode())
