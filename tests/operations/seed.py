"""Run as a process with KESU_DATA (and KESU_DATABASE_URL): a desk in the middle of a working day."""

from kesu.cli.environment import desk

if __name__ == "__main__":
    with desk(None):
        from kesu import clock
        from kesu.accounts.actor import Actor, Via
        from kesu.audit.actions import Action
        from kesu.audit.services import record
        from tests.desk_seeds import working_day

        wang = Actor(working_day(clock.now())["user"], Via.PAGE, "203.0.113.7")
        for action in (Action.CLAIMED, Action.REPLIED):
            record(wang, action, "complaint:1", now=clock.now())
