"""Claims of the literature, one file a paper, named by its BibTeX key; importing this package registers them all."""

import re
from importlib import import_module
from pkgutil import iter_modules

__all__ = [module.name for module in iter_modules(__path__) if re.fullmatch(r"[a-z]+\d{4}", module.name)]

for _name in __all__:
    import_module(f"{__name__}.{_name}")
