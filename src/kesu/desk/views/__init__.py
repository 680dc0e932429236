"""One module a page. Views ask the clock once and hand ``now`` down."""
