"""Run as a process with KESU_DATA (and KESU_DATABASE_URL): a desk in the middle of a working day."""

from kesu.cli.environment import desk

if __name__ == "__main__":
    with desk(None):
        from kesu import clock
        from tests.desk_seeds import working_day

        working_day(clock.now())
