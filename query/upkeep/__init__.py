"""Regular work of the clock process: the sweep, retention, figures."""
