"""Print the oldest version of each dependency that pyproject.toml allows, as pip takes them.

pip install '.[cpu,test]' $(python .ci/oldest.py)     # also those of the extra `run`
pip install '.[test]' $(python .ci/oldest.py --core)
"""

import re
import sys
import tomllib
from pathlib import Path

project = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text())["project"]
wanted = project["dependencies"] + project["optional-dependencies"]["test"]
if "--core" not in sys.argv[1:]:
    wanted += project["optional-dependencies"]["run"]
for each in wanted:
    found = re.fullmatch(r"([\w.-]+)>=([\w.]+)(,<[\w.]+)?", each)
    if not found:
        sys.exit(f"{each}: no oldest version is given")
    print(f"{found[1]}=={found[2]}")
