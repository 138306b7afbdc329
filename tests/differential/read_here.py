"""Run here, under the alias: loads what prefect 1.4.1 pickled and says what it is."""

import pickle
import sys

import resultant.compat.prefect  # noqa: F401

with open(sys.argv[1], "rb") as file:
    objects = {name: pickle.loads(data) for name, data in pickle.load(file).items()}

for name in ("result", "local", "inline", "nothing", "constant"):
    loaded = objects[name]
    print(name, repr(loaded), loaded.location, type(loaded.serializer).__name__)
local = objects["local"]
print("written", local.read(local.write([5]).location).value, local.exists("a.pkl"))
print("inline", objects["inline"].write({"a": 1}).location)
for name in ("pickle", "json", "compressed"):
    print(name, objects[name].deserialize(objects[name].serialize([1])))
for name in ("success", "cached", "mapped"):
    print(name, repr(objects[name]), objects[name].result, objects[name].is_successful())
print("retrying", objects["retrying"].run_count, str(objects["retrying"].start_time)[:10])
print("mapped", objects["mapped"].map_states, objects["mapped"].n_map_states)
print("submitted", objects["submitted"].state)
print("fail", repr(objects["fail"].state), objects["fail"].state.is_failed())
print("loop", repr(objects["loop"].state), objects["loop"].state.result)
