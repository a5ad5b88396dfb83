"""`python -m loreweave`, which `torchrun -m loreweave` needs."""

from loreweave.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())
