"""Claims of the literature, one file a paper, named by its BibTeX key; importing this package registers them all."""

import re
from importlib import import_module
from pkgutil import iter_modules

for _module in iter_modules(__path__):
    if re.fullmatch(r"[a-z]+\d{4}(_[a-z]+)?", _module.name):
        import_module(f"{__name__}.{_module.name}")
