"""``python -m unfold_theory``: the command line without its script."""

from unfold_theory.cli import main

if __name__ == "__main__":
    main()
