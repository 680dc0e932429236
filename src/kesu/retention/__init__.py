"""How long things are kept: lifetimes, the sweeps that end them, and the deletion of a payer's data on request."""
