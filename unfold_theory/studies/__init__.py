"""The package's own studies, one file each, named by BibTeX key and subject; importing this package registers them."""

import re
from importlib import import_module
from pkgutil import iter_modules

for _module in iter_modules(__path__):
    if re.match(r"[a-z]+\d{4}_", _module.name):
        import_module(f"{__name__}.{_module.name}")
