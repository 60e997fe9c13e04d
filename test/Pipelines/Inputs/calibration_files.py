"""calibration_files.py FILE DIRECTORY: writes what FILE, a calibration, becomes when it is
damaged in one place."""

import json
import pathlib
import sys

text = pathlib.Path(sys.argv[1]).read_text()
root = pathlib.Path(sys.argv[2])
root.mkdir(parents=True)


def change(name, make):
    """Writes the file as `make` leaves it."""
    whole = json.loads(text)
    first = whole["values"][0]
    make(whole, first, first["histogram"])
    (root / (name + ".json")).write_text(json.dumps(whole))


def shorten(whole, first, histogram):
    for key in ("low", "high", "mean"):
        first[key].pop()


(root / "truncated.json").write_text(text[: len(text) // 2])
(root / "text.json").write_text("hello world\n")
(root / "list.json").write_text("[1, 2]\n")
(root / "nan.json").write_text(text.replace('"low":[', '"low":[NaN,', 1))
change("version", lambda whole, first, histogram: whole.update(version=2))
change("no-version", lambda whole, first, histogram: whole.pop("version"))
change("model", lambda whole, first, histogram: whole.update(model="0123456789abcdef"))
change("values", lambda whole, first, histogram: whole.update(values=3))
change("missing", lambda whole, first, histogram: whole["values"].pop(2))
change("twice", lambda whole, first, histogram: whole["values"].append(first))
change("element", lambda whole, first, histogram: whole["values"].append(7))
change("name", lambda whole, first, histogram: first.update(name=7))
change("rows", lambda whole, first, histogram: first.update(rows=-1))
change("channels", shorten)
change("mean", lambda whole, first, histogram: first["mean"].pop())
change("huge", lambda whole, first, histogram: first["low"].__setitem__(0, 1e300))
change("string", lambda whole, first, histogram: first["low"].__setitem__(0, "NaN"))
change("order", lambda whole, first, histogram: first["low"].__setitem__(0, 5))
change("average", lambda whole, first, histogram: first["average"].pop())
change("histogram", lambda whole, first, histogram: first.update(histogram=3))
change("count", lambda whole, first, histogram: histogram["counts"].__setitem__(0, -1))
change("bins", lambda whole, first, histogram: histogram["counts"].pop())
change("width", lambda whole, first, histogram: histogram.update(width=0.5))
change("first", lambda whole, first, histogram: histogram.update(first=0))
change("range", lambda whole, first, histogram: histogram.update(range=[1, -1]))
