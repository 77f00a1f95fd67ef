"""`python -m vidmem`: the command line, also where its script is not on the `PATH`."""

if __name__ == "__main__":
    # Not at the top: a process that is spawned imports this file again, and must start quickly.
    from vidmem.cli import main

    main()
