"""`python -m slmlib`: see slmlib/cli.py."""

from slmlib.cli import main

if __name__ == "__main__":
    main()
