"""Run as a process with KESU_DATA and KESU_DATABASE_URL: take the locks of a batch under way, and keep them."""

import os
import signal
from pathlib import Path

from kesu.config.archive import Place

if __name__ == "__main__":
    place = Place.of(Path(os.environ["KESU_DATA"]), os.environ["KESU_DATABASE_URL"])
    with place.connected() as connection, connection.transaction():
        connection.execute("select * from alerts_budgetkey for update")
        print("held", flush=True)
        signal.pause()
